"""What analysts ask of the star schema, as Redshift SQL. Values are psycopg2 parameters: a literal % is doubled."""

# Each answers one question from the star schema. A play is a row of songplays, matched or not, so songs and artists go
# by the log's own names. Every order is total: ties go by name. An average is a DOUBLE PRECISION to one decimal; counts
# that are summed again are INTEGER, as the SUM of BIGINTs is a DECIMAL.
analytics_queries = {
    # Grain: one row per gender and place, the five most played songs of each gender; users' gender as last seen.
    "popular songs by user gender": """
WITH counted AS (
    SELECT
        sp.song,
        sp.artist,
        COALESCE(u.gender, 'unknown') AS gender,
        COUNT(*) AS plays
    FROM songplays AS sp
    INNER JOIN users AS u ON sp.user_id = u.user_id
    GROUP BY u.gender, sp.song, sp.artist
),

ranked AS (
    SELECT
        c.gender,
        c.song,
        c.artist,
        c.plays,
        ROW_NUMBER() OVER (PARTITION BY c.gender ORDER BY c.plays DESC, c.song ASC, c.artist ASC) AS place
    FROM counted AS c
)

SELECT
    gender,
    place,
    song,
    artist,
    plays
FROM ranked
WHERE place <= 5
ORDER BY gender, place
""",
    # Grain: one row per day of the week that has plays, 0 (Sunday) to 6. A month has five of some: see plays_per_day.
    "activity by day of the week": """
SELECT
    t.weekday,
    CASE t.weekday
        WHEN 0 THEN 'Sunday'
        WHEN 1 THEN 'Monday'
        WHEN 2 THEN 'Tuesday'
        WHEN 3 THEN 'Wednesday'
        WHEN 4 THEN 'Thursday'
        WHEN 5 THEN 'Friday'
        WHEN 6 THEN 'Saturday'
    END AS day_name,
    COUNT(*) AS plays,
    COUNT(DISTINCT sp.user_id) AS listeners,
    COUNT(DISTINCT DATE_TRUNC('day', t.start_time)) AS days,
    ROUND(CAST(COUNT(*) AS DOUBLE PRECISION) / COUNT(DISTINCT DATE_TRUNC('day', t.start_time)), 1) AS plays_per_day
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY t.weekday
ORDER BY t.weekday
""",
    # Grain: one row for all users and one per level that users have now. Users who never played a song count, too.
    # songs are different ones (title and artist), plays all of them.
    "average number of songs streamed per user": """
WITH streamed AS (
    SELECT
        user_id,
        song,
        artist,
        COUNT(*) AS plays
    FROM songplays
    GROUP BY user_id, song, artist
),

per_user AS (
    SELECT
        u.user_id,
        COALESCE(u.level, 'unknown') AS level,
        COUNT(s.user_id) AS songs,
        COALESCE(SUM(s.plays), 0) AS plays
    FROM users AS u
    LEFT JOIN streamed AS s ON u.user_id = s.user_id
    GROUP BY u.user_id, u.level
)

SELECT
    'all' AS level,
    COUNT(*) AS users,
    CAST(SUM(plays) AS BIGINT) AS plays,
    ROUND(CAST(SUM(plays) AS DOUBLE PRECISION) / COUNT(*), 1) AS plays_per_user,
    ROUND(CAST(SUM(songs) AS DOUBLE PRECISION) / COUNT(*), 1) AS songs_per_user
FROM per_user
HAVING COUNT(*) > 0
UNION ALL
SELECT
    level,
    COUNT(*) AS users,
    CAST(SUM(plays) AS BIGINT) AS plays,
    ROUND(CAST(SUM(plays) AS DOUBLE PRECISION) / COUNT(*), 1) AS plays_per_user,
    ROUND(CAST(SUM(songs) AS DOUBLE PRECISION) / COUNT(*), 1) AS songs_per_user
FROM per_user
GROUP BY level
ORDER BY level
""",
    # Grain: one row per range of plays that has users; the ranges double in width, as users differ by orders of size.
    "distribution of the number of songs per user": """
WITH per_user AS (
    SELECT
        u.user_id,
        CAST(COUNT(sp.user_id) AS INTEGER) AS plays
    FROM users AS u
    LEFT JOIN songplays AS sp ON u.user_id = sp.user_id
    GROUP BY u.user_id
),

ranged AS (
    SELECT
        p.plays,
        CASE
            WHEN p.plays < 1 THEN '0'
            WHEN p.plays < 5 THEN '1-4'
            WHEN p.plays < 10 THEN '5-9'
            WHEN p.plays < 20 THEN '10-19'
            WHEN p.plays < 50 THEN '20-49'
            WHEN p.plays < 100 THEN '50-99'
            WHEN p.plays < 200 THEN '100-199'
            WHEN p.plays < 500 THEN '200-499'
            ELSE '500 and more'
        END AS plays_range
    FROM per_user AS p
)

SELECT
    plays_range,
    COUNT(*) AS users,
    SUM(plays) AS plays
FROM ranged
GROUP BY plays_range
ORDER BY MIN(plays)
""",
    # Grain: one row per song (title and artist), the ten most played.
    "most played songs": """
SELECT
    song,
    artist,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY song, artist
ORDER BY COUNT(*) DESC, song ASC, artist ASC
LIMIT 10
""",
    # Grain: one row per artist by the name in the log, the ten most played.
    "most played artists": """
SELECT
    artist,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners,
    COUNT(DISTINCT song) AS songs
FROM songplays
GROUP BY artist
ORDER BY COUNT(*) DESC, artist ASC
LIMIT 10
""",
    # Grain: one row per hour of the day (UTC) that has plays.
    "plays by hour of day": """
SELECT
    t.hour,
    COUNT(*) AS plays,
    COUNT(DISTINCT sp.user_id) AS listeners
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY t.hour
ORDER BY t.hour
""",
    # Grain: one row per day (UTC) and level that has plays; the level is the user's at the time of the play.
    "free against paid by day": """
SELECT
    CAST(start_time AS DATE) AS day,
    COALESCE(level, 'unknown') AS level,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY CAST(start_time AS DATE), level
ORDER BY CAST(start_time AS DATE), level
""",
    # Grain: one row per ISO week that has plays; week_start is its Monday. Active is who played a song.
    "active users per week": """
SELECT
    CAST(DATE_TRUNC('week', t.start_time) AS DATE) AS week_start,
    t.week,
    COUNT(DISTINCT sp.user_id) AS users,
    COUNT(*) AS plays
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY DATE_TRUNC('week', t.start_time), t.week
ORDER BY DATE_TRUNC('week', t.start_time)
""",
    # Grain: one row per location that the log names, the ten with the most plays.
    "top locations": """
SELECT
    location,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY location
ORDER BY COUNT(*) DESC, location ASC
LIMIT 10
""",
    # Grain: one row per range of plays that has sessions; a session is one user's (user_id, session_id) with a play.
    # It lasts from its first play's start to its last one's end, a play being length seconds long.
    "sessions: length and plays": """
WITH numbered AS (
    SELECT
        user_id,
        session_id,
        start_time,
        length,
        ROW_NUMBER() OVER (
            PARTITION BY user_id, session_id
            ORDER BY start_time DESC
        ) AS place_from_end
    FROM songplays
),

sessions AS (
    SELECT
        user_id,
        session_id,
        CAST(COUNT(*) AS INTEGER) AS plays,
        (
            DATEDIFF(SECOND, MIN(start_time), MAX(start_time))
            + COALESCE(MAX(CASE WHEN place_from_end = 1 THEN length END), 0)
        ) / 60 AS minutes
    FROM numbered
    GROUP BY user_id, session_id
),

ranged AS (
    SELECT
        s.plays,
        s.minutes,
        CASE
            WHEN s.plays < 2 THEN '1'
            WHEN s.plays < 5 THEN '2-4'
            WHEN s.plays < 10 THEN '5-9'
            WHEN s.plays < 20 THEN '10-19'
            WHEN s.plays < 50 THEN '20-49'
            WHEN s.plays < 100 THEN '50-99'
            ELSE '100 and more'
        END AS plays_range
    FROM sessions AS s
)

SELECT
    plays_range,
    COUNT(*) AS sessions,
    SUM(plays) AS plays,
    ROUND(AVG(minutes), 1) AS average_minutes,
    ROUND(MAX(minutes), 1) AS longest_minutes
FROM ranged
GROUP BY plays_range
ORDER BY MIN(plays)
""",
}

# Whether there is anything to ask about. It leaves staging alone, which a load in progress has locked.
songplay_count_select = "SELECT COUNT(*) FROM songplays"

# Five rows of each table, for a look at it.
sample_queries = {
    "staging_events": """
SELECT
    artist,
    auth,
    first_name,
    gender,
    item_in_session,
    last_name,
    length,
    level,
    location,
    method,
    page,
    registration,
    session_id,
    song,
    status,
    ts,
    user_agent,
    user_id
FROM staging_events
ORDER BY ts, session_id, item_in_session
LIMIT 5
""",
    "staging_songs": """
SELECT
    num_songs,
    artist_id,
    artist_latitude,
    artist_longitude,
    artist_location,
    artist_name,
    song_id,
    title,
    duration,
    year
FROM staging_songs
ORDER BY song_id
LIMIT 5
""",
    "songplays": """
SELECT
    songplay_id,
    start_time,
    user_id,
    level,
    song_id,
    artist_id,
    session_id,
    location,
    user_agent,
    song,
    artist,
    length
FROM songplays
ORDER BY start_time, user_id, session_id
LIMIT 5
""",
    "users": """
SELECT
    user_id,
    first_name,
    last_name,
    gender,
    level,
    last_seen
FROM users
ORDER BY user_id
LIMIT 5
""",
    "songs": """
SELECT
    song_id,
    title,
    artist_id,
    year,
    duration,
    artist_name
FROM songs
ORDER BY song_id
LIMIT 5
""",
    "artists": """
SELECT
    artist_id,
    name,
    location,
    latitude,
    longitude
FROM artists
ORDER BY artist_id
LIMIT 5
""",
    "time": """
SELECT
    start_time,
    hour,
    day,
    week,
    month,
    year,
    weekday
FROM time
ORDER BY start_time
LIMIT 5
""",
}

# Grain: one row per dimension that songplays is joined with, and one for all of them. plays is the same in each, or a
# join multiplies plays or loses some; found are those that the dimension knows.
join_counts_select = """
SELECT
    'none' AS dimension,
    COUNT(*) AS plays,
    COUNT(*) AS found
FROM songplays
UNION ALL
SELECT
    'time' AS dimension,
    COUNT(*) AS plays,
    COUNT(t.start_time) AS found
FROM songplays AS sp
LEFT JOIN time AS t ON sp.start_time = t.start_time
UNION ALL
SELECT
    'users' AS dimension,
    COUNT(*) AS plays,
    COUNT(u.user_id) AS found
FROM songplays AS sp
LEFT JOIN users AS u ON sp.user_id = u.user_id
UNION ALL
SELECT
    'songs' AS dimension,
    COUNT(*) AS plays,
    COUNT(s.song_id) AS found
FROM songplays AS sp
LEFT JOIN songs AS s ON sp.song_id = s.song_id
UNION ALL
SELECT
    'artists' AS dimension,
    COUNT(*) AS plays,
    COUNT(a.artist_id) AS found
FROM songplays AS sp
LEFT JOIN artists AS a ON sp.artist_id = a.artist_id
UNION ALL
SELECT
    'all' AS dimension,
    COUNT(*) AS plays,
    COUNT(
        CASE
            WHEN
                t.start_time IS NOT NULL AND u.user_id IS NOT NULL
                AND s.song_id IS NOT NULL AND a.artist_id IS NOT NULL THEN 1
        END
    ) AS found
FROM songplays AS sp
LEFT JOIN time AS t ON sp.start_time = t.start_time
LEFT JOIN users AS u ON sp.user_id = u.user_id
LEFT JOIN songs AS s ON sp.song_id = s.song_id
LEFT JOIN artists AS a ON sp.artist_id = a.artist_id
ORDER BY dimension
"""
