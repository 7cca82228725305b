"""What the dashboard and the notebooks ask besides the questions, as Amazon Redshift SQL."""

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
