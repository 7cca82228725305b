"""How much each user listens: songs, plays, sessions."""

from notebooks.question import Chart, Question, Rollup

QUESTIONS = (
    # Grain: one row for all users and one per level that users have now. songs are different ones (title and artist).
    Question(
        id="songs-per-user",
        title="Average number of songs streamed per user",
        note="For all users, and for the level that each has now. A user without a play counts as 0.",
        chart=Chart("bars", ("level",), "plays_per_user", series="level", tick="songs_per_user"),
        sentence=(
            "A user streams {songs_per_user} different song{songs_per_user:s} on average, "
            "in {plays_per_user} play{plays_per_user:s}."
        ),
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
        sentence="Most common number of plays: {plays_range}, by {users} user{users:s}.",
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
        sentence=(
            "Most common number of plays: {plays_range}, in {sessions} session{sessions:s} "
            "of {average_minutes} minute{average_minutes:s}."
        ),
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
