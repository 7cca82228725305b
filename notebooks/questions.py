"""What analysts ask of the star schema, as Amazon Redshift SQL: a question is added by one more Question here.

Values are psycopg2 parameters; a literal % is doubled.
"""

from notebooks.question import Chart, Question, Rollup

# Each answers one question from the star schema. A play is a row of songplays, matched or not, so songs and artists go
# by the log's own names. Every order is total: ties go by name. An average is a DOUBLE PRECISION to one decimal; counts
# that are summed again are INTEGER, as the SUM of BIGINTs is a DECIMAL.
QUESTIONS = (
    # Grain: one row per day (UTC) and level that has plays; the level is the user's at the time of the play.
    Question(
        id="plays-by-day",
        title="Free against paid by day",
        note="A play counts for the level that the user has at that time.",
        chart=Chart("lines", ("day",), "plays", series="level"),
        sentence="Most in one day: {plays} plays by {listeners} {level} users on {day}.",
        peak="plays",
        rollup=Rollup(order=("day", "level")),
        sql="""
-- question: free against paid by day
SELECT
    CAST(start_time AS DATE) AS day,
    COALESCE(level, 'unknown') AS level,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY CAST(start_time AS DATE), level
ORDER BY CAST(start_time AS DATE), level
""",
    ),
    # Grain: one row per ISO week that has plays; week_start is its Monday.
    Question(
        id="active-users",
        title="Active users per week",
        note="An active user plays a song. Weeks begin on Monday; the first and the last may be incomplete.",
        chart=Chart("columns", ("week_start",), "active_users"),
        sentence="Most: {active_users} users in the week from {week_start}, with {plays} plays.",
        peak="active_users",
        rollup=Rollup(order=("week_start",)),
        sql="""
-- question: active users per week
SELECT
    CAST(DATE_TRUNC('week', t.start_time) AS DATE) AS week_start,
    t.week,
    COUNT(DISTINCT sp.user_id) AS active_users,
    COUNT(*) AS plays
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY DATE_TRUNC('week', t.start_time), t.week
ORDER BY DATE_TRUNC('week', t.start_time)
""",
    ),
    # Grain: one row per day of the week that has plays, 0 (Sunday) to 6.
    Question(
        id="weekdays",
        title="Activity by day of the week",
        note="A month has five of some days and four of others, so the chart compares the average day.",
        chart=Chart("columns", ("day_name",), "plays_per_day"),
        categories=("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
        sentence="Busiest: {day_name}, with {plays_per_day} plays on average.",
        peak="plays_per_day",
        rollup=Rollup(order=("weekday",)),
        sql="""
-- question: activity by day of the week
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
    ),
    # Grain: one row per hour of the day (UTC) that has plays.
    Question(
        id="hours",
        title="Plays by hour of day",
        note="The hours are UTC; in the USA it is 5 to 8 hours earlier.",
        chart=Chart("columns", ("hour",), "plays"),
        categories=tuple(str(hour) for hour in range(24)),
        sentence="Busiest: the hour from {hour}:00 UTC, with {plays} plays by {listeners} listeners.",
        peak="plays",
        rollup=Rollup(order=("hour",)),
        sql="""
-- question: plays by hour of day
SELECT
    t.hour,
    COUNT(*) AS plays,
    COUNT(DISTINCT sp.user_id) AS listeners
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY t.hour
ORDER BY t.hour
""",
    ),
    # Grain: one row per song (title and artist), the ten most played.
    Question(
        id="songs",
        title="Most played songs",
        note="The ten songs with the most plays.",
        chart=Chart("bars", ("song", "artist"), "plays"),
        sentence="First: {song} by {artist}, {plays} plays by {listeners} listeners.",
        rollup=Rollup(order=("-plays", "song", "artist"), limit=10),
        sql="""
-- question: most played songs
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
    ),
    # Grain: one row per artist by the name in the log, the ten most played.
    Question(
        id="artists",
        title="Most played artists",
        note="The ten artists with the most plays.",
        chart=Chart("bars", ("artist",), "plays"),
        sentence="First: {artist}, {plays} plays of {songs} songs by {listeners} listeners.",
        rollup=Rollup(order=("-plays", "artist"), limit=10),
        sql="""
-- question: most played artists
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
    ),
    # Grain: one row per gender and place, the five most played songs of each gender; users' gender as last seen.
    Question(
        id="songs-by-gender",
        title="Popular songs by user gender",
        note="Five songs for each gender; a user's gender is the latest that the log has.",
        chart=Chart("bars", ("song", "artist"), "plays", series="gender"),
        sentence="Most played by one gender ({gender}): {song} by {artist}, {plays} plays.",
        peak="plays",
        rollup=Rollup(order=("gender", "-plays", "song", "artist"), limit=5, per="gender"),
        sql="""
-- question: popular songs by user gender
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
    ),
    # Grain: one row per location that the log names, the ten with the most plays.
    Question(
        id="locations",
        title="Top locations",
        note="A few heavy listeners can carry a whole region, so mind the listeners.",
        chart=Chart("bars", ("location",), "plays"),
        sentence="First: {location}, with {plays} plays by {listeners} listeners.",
        rollup=Rollup(order=("-plays", "location"), limit=10),
        sql="""
-- question: top locations
SELECT
    location,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY location
ORDER BY COUNT(*) DESC, location ASC
LIMIT 10
""",
    ),
    # Grain: one row for all users and one per level that users have now. songs are different ones (title and artist).
    Question(
        id="songs-per-user",
        title="Average number of songs streamed per user",
        note="For all users, and for the level that each has now. A user without a play counts as 0.",
        chart=Chart("bars", ("level",), "plays_per_user", series="level", tick="songs_per_user"),
        sentence="A user streams {songs_per_user} different songs on average, in {plays_per_user} plays.",
        rollup=Rollup("users", order=("level",), total="all"),
        sql="""
-- question: average number of songs streamed per user
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
    ),
    # Grain: one row per range of plays that has users; the ranges double in width.
    Question(
        id="users-by-plays",
        title="Distribution of the number of songs per user",
        note="How many users play little, how many a lot? The ranges grow, as users differ by orders of size.",
        chart=Chart("bars", ("plays_range",), "users"),
        categories=("0", "1-4", "5-9", "10-19", "20-49", "50-99", "100-199", "200-499", "500 and more"),
        bounds=(0, 1, 5, 10, 20, 50, 100, 200, 500),
        sentence="Most common number of plays: {plays_range}, by {users} users.",
        peak="users",
        rollup=Rollup("users", order=("plays_range",)),
        sql="""
-- question: distribution of the number of songs per user
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
    ),
    # Grain: one row per range of plays that has sessions, a session being one user's (user_id, session_id) with a play.
    Question(
        id="sessions",
        title="Sessions: length and plays",
        note="A session lasts from the start of its first play to the end of its last; a visit without a play is none.",
        chart=Chart("bars", ("plays_range",), "average_minutes", tick="longest_minutes", detail="sessions"),
        categories=("1", "2-4", "5-9", "10-19", "20-49", "50-99", "100 and more"),
        bounds=(1, 2, 5, 10, 20, 50, 100),
        sentence="Most common number of plays: {plays_range}, in {sessions} sessions of {average_minutes} minutes.",
        peak="sessions",
        rollup=Rollup("sessions", order=("plays_range",)),
        sql="""
-- question: sessions length and plays
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
    ),
)

# ------------------------------------------------------------------------------------- what else a notebook asks

# Grain: one row for everything. Active users play a song; a session has a play.
totals_select = """
-- question: totals
SELECT
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS active_users,
    (SELECT COUNT(*) FROM users) AS users,
    (
        SELECT COUNT(*)
        FROM (
            SELECT DISTINCT
                user_id,
                session_id
            FROM songplays
        ) AS s
    ) AS sessions,
    COUNT(DISTINCT CAST(start_time AS DATE)) AS days,
    MIN(CAST(start_time AS DATE)) AS first_day,
    MAX(CAST(start_time AS DATE)) AS last_day
FROM songplays
"""

# Grain: one row per play, in the order of each session; seconds since 1970. The dashboard counts these again
# under its filters.
plays_select = """
-- question: every play
SELECT
    user_id,
    session_id,
    song,
    artist,
    length,
    location,
    COALESCE(level, 'unknown') AS level,
    DATEDIFF(SECOND, CAST('1970-01-01' AS TIMESTAMP), start_time) AS seconds
FROM songplays
ORDER BY user_id, session_id, start_time
"""

# Grain: one row per user.
users_select = """
-- question: every user
SELECT
    user_id,
    COALESCE(gender, 'unknown') AS gender,
    COALESCE(level, 'unknown') AS level
FROM users
ORDER BY user_id
"""

# Whether there is anything to ask about. It leaves staging alone, which a load in progress has locked.
songplay_count_select = "SELECT COUNT(*) FROM songplays"

# Grain: one row. joined is plays, or a dimension holds a key twice; the others are the plays that each dimension knows.
join_counts_select = """
-- question: joins
SELECT
    (SELECT COUNT(*) FROM songplays) AS plays,
    COUNT(*) AS joined,
    COUNT(t.start_time) AS with_time,
    COUNT(u.user_id) AS with_user,
    COUNT(s.song_id) AS with_song,
    COUNT(a.artist_id) AS with_artist
FROM songplays AS sp
LEFT JOIN time AS t ON sp.start_time = t.start_time
LEFT JOIN users AS u ON sp.user_id = u.user_id
LEFT JOIN songs AS s ON sp.song_id = s.song_id
LEFT JOIN artists AS a ON sp.artist_id = a.artist_id
"""

# Five rows of each table, for a look at it.
sample_queries = {
    table: f"-- question: a look at {table}\nSELECT * FROM {table} ORDER BY {order} LIMIT 5"
    for table, order in {
        "staging_events": "ts, session_id, item_in_session",
        "staging_songs": "song_id",
        "songplays": "start_time, user_id, session_id",
        "users": "user_id",
        "songs": "song_id",
        "artists": "artist_id",
        "time": "start_time",
    }.items()
}

# Grain: one row, a number per table.
row_counts_select = """
-- all tables: count the rows
SELECT
    (SELECT COUNT(*) FROM staging_events) AS staging_events,
    (SELECT COUNT(*) FROM staging_songs) AS staging_songs,
    (SELECT COUNT(*) FROM songplays) AS songplays,
    (SELECT COUNT(song_id) FROM songplays) AS songplays_matched,
    (SELECT COUNT(*) FROM users) AS users,
    (SELECT COUNT(*) FROM songs) AS songs,
    (SELECT COUNT(*) FROM artists) AS artists,
    (SELECT COUNT(*) FROM time) AS time
"""
