"""Every SQL statement of the Sparkify data warehouse, as Amazon Redshift SQL, in the order in which it runs.

create_tables.py runs drop_table_queries and create_table_queries; etl.py runs copy_table_queries, then
insert_table_queries, analyze_table_queries and quality_checks. What analysts ask stands in notebooks/questions.py.
Values are psycopg2 parameters: %(name)s; a literal % is doubled. The first line of a statement is its name, which logs,
progress, errors and Redshift's own query history show.
"""

# ----------------------------------------------------------------------------------------------------- tables

staging_events_table_drop = """
-- staging_events: drop the table
DROP TABLE IF EXISTS staging_events
"""
staging_songs_table_drop = """
-- staging_songs: drop the table
DROP TABLE IF EXISTS staging_songs
"""
songplay_table_drop = """
-- songplays: drop the table
DROP TABLE IF EXISTS songplays
"""
user_table_drop = """
-- users: drop the table
DROP TABLE IF EXISTS users
"""
song_table_drop = """
-- songs: drop the table
DROP TABLE IF EXISTS songs
"""
artist_table_drop = """
-- artists: drop the table
DROP TABLE IF EXISTS artists
"""
time_table_drop = """
-- time: drop the table
DROP TABLE IF EXISTS time
"""

# Grain: one row per event of the log, every field of it, in the order of the jsonpaths file. No constraints: staging
# holds what the source holds. ts is epoch milliseconds in the log, UTC here; registration stays the number it is.
# EVEN: each load replaces the rows, and no key spreads them better.
staging_events_table_create = """
-- staging_events: create the table
CREATE TABLE IF NOT EXISTS staging_events (
    artist          VARCHAR(1024),
    auth            VARCHAR(32),
    first_name      VARCHAR(256),
    gender          VARCHAR(16),
    item_in_session INTEGER,
    last_name       VARCHAR(256),
    length          DOUBLE PRECISION,
    level           VARCHAR(16),
    location        VARCHAR(512),
    method          VARCHAR(16),
    page            VARCHAR(64),
    registration    DOUBLE PRECISION,
    session_id      INTEGER,
    song            VARCHAR(1024),
    status          INTEGER,
    ts              TIMESTAMP,
    user_agent      VARCHAR(1024),
    user_id         INTEGER
)
DISTSTYLE EVEN
"""

# Grain: one row per song file, every field of it; COPY matches the JSON's keys with these names. duration in seconds.
staging_songs_table_create = """
-- staging_songs: create the table
CREATE TABLE IF NOT EXISTS staging_songs (
    num_songs        INTEGER,
    artist_id        VARCHAR(32),
    artist_latitude  DOUBLE PRECISION,
    artist_longitude DOUBLE PRECISION,
    artist_location  VARCHAR(1024),
    artist_name      VARCHAR(1024),
    song_id          VARCHAR(32),
    title            VARCHAR(1024),
    duration         DOUBLE PRECISION,
    year             INTEGER
)
DISTSTYLE EVEN
"""

# Grain: one row per user, as of the latest event on any page. last_seen is that event's time: by it a load of older
# logs leaves a newer level alone.
user_table_create = """
-- users: create the table
CREATE TABLE IF NOT EXISTS users (
    user_id    INTEGER      NOT NULL,
    first_name VARCHAR(256),
    last_name  VARCHAR(256),
    gender     VARCHAR(16),
    level      VARCHAR(16),
    last_seen  TIMESTAMP    NOT NULL,
    PRIMARY KEY (user_id)
)
DISTSTYLE AUTO
"""

# Grain: one row per artist_id.
artist_table_create = """
-- artists: create the table
CREATE TABLE IF NOT EXISTS artists (
    artist_id VARCHAR(32)      NOT NULL,
    name      VARCHAR(1024),
    location  VARCHAR(1024),
    latitude  DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    PRIMARY KEY (artist_id)
)
DISTSTYLE AUTO
"""

# Grain: one row per song_id. year NULL where the source has 0, which means unknown; duration in seconds. artist_name
# is the name on this song, which plays are matched by: an artist may go by several.
song_table_create = """
-- songs: create the table
CREATE TABLE IF NOT EXISTS songs (
    song_id     VARCHAR(32)      NOT NULL,
    title       VARCHAR(1024),
    artist_id   VARCHAR(32)      NOT NULL,
    year        INTEGER,
    duration    DOUBLE PRECISION,
    artist_name VARCHAR(1024),
    PRIMARY KEY (song_id),
    FOREIGN KEY (artist_id) REFERENCES artists (artist_id)
)
DISTSTYLE AUTO
"""

# Grain: one row per distinct start_time in songplays, UTC. week is ISO 8601's, weekday 0 (Sunday) to 6.
# Grows with the traffic as songplays does, so it has the same DISTKEY and SORTKEY: the join is local and sorted.
time_table_create = """
-- time: create the table
CREATE TABLE IF NOT EXISTS time (
    start_time TIMESTAMP NOT NULL,
    hour       INTEGER   NOT NULL,
    day        INTEGER   NOT NULL,
    week       INTEGER   NOT NULL,
    month      INTEGER   NOT NULL,
    year       INTEGER   NOT NULL,
    weekday    INTEGER   NOT NULL,
    PRIMARY KEY (start_time)
)
DISTSTYLE KEY
DISTKEY (start_time)
SORTKEY (start_time)
"""

# Grain: one row per distinct play, natural key (start_time, user_id, session_id). song_id and artist_id are NULL for
# a play of a song that is not known. song, artist and length (seconds) are the log's own: by them such a play is
# matched when a later load brings the song. DISTKEY start_time, not song_id, whose NULLs would all be on one slice.
songplay_table_create = """
-- songplays: create the table
CREATE TABLE IF NOT EXISTS songplays (
    songplay_id BIGINT           IDENTITY (0, 1),
    start_time  TIMESTAMP        NOT NULL,
    user_id     INTEGER          NOT NULL,
    level       VARCHAR(16),
    song_id     VARCHAR(32),
    artist_id   VARCHAR(32),
    session_id  INTEGER          NOT NULL,
    location    VARCHAR(512),
    user_agent  VARCHAR(1024),
    song        VARCHAR(1024),
    artist      VARCHAR(1024),
    length      DOUBLE PRECISION,
    PRIMARY KEY (songplay_id),
    FOREIGN KEY (start_time) REFERENCES time (start_time),
    FOREIGN KEY (user_id) REFERENCES users (user_id),
    FOREIGN KEY (song_id) REFERENCES songs (song_id),
    FOREIGN KEY (artist_id) REFERENCES artists (artist_id)
)
DISTSTYLE KEY
DISTKEY (start_time)
SORTKEY (start_time)
"""

# ---------------------------------------------------------------------------------------------------- staging

# First in every transaction of a load: two loads at once take turns. No reader of the star schema uses these tables.
staging_lock = """
-- staging: wait for other loads
LOCK staging_events, staging_songs
"""

# DELETE and not TRUNCATE, which would commit: a COPY that fails leaves the rows of the load before.
staging_events_delete = """
-- staging_events: empty the table
DELETE FROM staging_events
"""
staging_songs_delete = """
-- staging_songs: empty the table
DELETE FROM staging_songs
"""

# STATUPDATE ON: the joins below are planned by the rows that are there now.
staging_events_copy = """
-- staging_events: COPY the logs
COPY staging_events
FROM %(log_data)s
IAM_ROLE %(role_arn)s
REGION %(region)s
FORMAT AS JSON %(log_jsonpath)s
TIMEFORMAT 'epochmillisecs'
MAXERROR %(max_errors)s
COMPUPDATE OFF
STATUPDATE ON
"""

staging_songs_copy = """
-- staging_songs: COPY the song files
COPY staging_songs
FROM %(song_data)s
IAM_ROLE %(role_arn)s
REGION %(region)s
FORMAT AS JSON 'auto'
MAXERROR %(max_errors)s
COMPUPDATE OFF
STATUPDATE ON
"""

# Whose rows are staged: a load that finds another's mark stops, for its own rows were replaced before it used them.
staging_mark = """
-- staging: mark the rows as those of this load
COMMENT ON TABLE staging_events IS %(load_id)s
"""
staging_mark_select = """
-- staging: whose rows are there
SELECT pg_description.description
FROM pg_description
INNER JOIN pg_class ON pg_description.objoid = pg_class.oid
WHERE pg_class.relname = 'staging_events' AND pg_description.objsubid = 0
"""

# ------------------------------------------------------------------------------------------------ star schema

# A user is as of the latest event; of events at the same millisecond the one that sorts last counts (paid after free),
# so the order in which log files are loaded does not matter. The row that is there competes with the staged events.
user_table_update = """
-- users: update those with a later event
UPDATE users
SET
    first_name = l.first_name,
    last_name = l.last_name,
    gender = l.gender,
    level = l.level,
    last_seen = l.last_seen
FROM (
    SELECT
        c.user_id,
        c.first_name,
        c.last_name,
        c.gender,
        c.level,
        c.last_seen,
        c.is_staged,
        ROW_NUMBER() OVER (
            PARTITION BY c.user_id
            ORDER BY
                c.last_seen DESC,
                c.level DESC NULLS LAST,
                c.first_name DESC NULLS LAST,
                c.last_name DESC NULLS LAST,
                c.gender DESC NULLS LAST,
                c.is_staged ASC
        ) AS choice
    FROM (
        SELECT
            user_id,
            first_name,
            last_name,
            gender,
            level,
            last_seen,
            0 AS is_staged
        FROM users
        UNION ALL
        SELECT
            e.user_id,
            e.first_name,
            e.last_name,
            e.gender,
            e.level,
            e.ts AS last_seen,
            1 AS is_staged
        FROM staging_events AS e
        INNER JOIN users AS u ON e.user_id = u.user_id AND e.ts >= u.last_seen
    ) AS c
) AS l
WHERE users.user_id = l.user_id AND l.choice = 1 AND l.is_staged = 1
"""

# The same rule for the users who are new.
user_table_insert = """
-- users: add new ones
INSERT INTO users (user_id, first_name, last_name, gender, level, last_seen)
WITH latest AS (
    SELECT
        e.user_id,
        e.first_name,
        e.last_name,
        e.gender,
        e.level,
        e.ts AS last_seen,
        ROW_NUMBER() OVER (
            PARTITION BY e.user_id
            ORDER BY
                e.ts DESC,
                e.level DESC NULLS LAST,
                e.first_name DESC NULLS LAST,
                e.last_name DESC NULLS LAST,
                e.gender DESC NULLS LAST
        ) AS choice
    FROM staging_events AS e
    WHERE
        e.ts IS NOT NULL
        AND e.user_id IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM users AS u
            WHERE u.user_id = e.user_id
        )
)

SELECT
    l.user_id,
    l.first_name,
    l.last_name,
    l.gender,
    l.level,
    l.last_seen
FROM latest AS l
WHERE l.choice = 1
"""

# Staged artists and songs replace the rows of the same id, so that a corrected file corrects the warehouse.
artist_table_delete = """
-- artists: delete those that are staged
DELETE FROM artists
USING staging_songs AS s
WHERE artists.artist_id = s.artist_id
"""

# An artist's row is taken whole from one of the artist's songs: the one with the shortest name (guests make a name
# longer), of these the name that sorts first, with coordinates if any has them, of the smallest song_id.
artist_table_insert = """
-- artists: add the staged ones
INSERT INTO artists (artist_id, name, location, latitude, longitude)
WITH ranked AS (
    SELECT
        s.artist_id,
        s.artist_name,
        s.artist_location,
        s.artist_latitude,
        s.artist_longitude,
        ROW_NUMBER() OVER (
            PARTITION BY s.artist_id
            ORDER BY
                LEN(s.artist_name),
                s.artist_name,
                CASE WHEN s.artist_latitude IS NULL THEN 1 ELSE 0 END,
                s.song_id,
                s.artist_location,
                s.artist_latitude,
                s.artist_longitude
        ) AS choice
    FROM staging_songs AS s
    WHERE s.artist_id IS NOT NULL
)

SELECT
    r.artist_id,
    r.artist_name,
    r.artist_location,
    r.artist_latitude,
    r.artist_longitude
FROM ranked AS r
WHERE r.choice = 1
"""

song_table_delete = """
-- songs: delete those that are staged
DELETE FROM songs
USING staging_songs AS s
WHERE songs.song_id = s.song_id
"""

# A song that is staged more than once is taken from the row that sorts first.
song_table_insert = """
-- songs: add the staged ones
INSERT INTO songs (song_id, title, artist_id, year, duration, artist_name)
WITH ranked AS (
    SELECT
        s.song_id,
        s.title,
        s.artist_id,
        NULLIF(s.year, 0) AS year,
        s.duration,
        s.artist_name,
        ROW_NUMBER() OVER (
            PARTITION BY s.song_id
            ORDER BY s.title, s.artist_id, s.artist_name, s.duration, s.year
        ) AS choice
    FROM staging_songs AS s
    WHERE s.song_id IS NOT NULL
)

SELECT
    r.song_id,
    r.title,
    r.artist_id,
    r.year,
    r.duration,
    r.artist_name
FROM ranked AS r
WHERE r.choice = 1
"""

# Every staged play (page NextSong) that is not there just so; EXCEPT takes NULLs as equal and each play once.
songplay_table_insert = """
-- songplays: add new plays
INSERT INTO songplays (start_time, user_id, level, session_id, location, user_agent, song, artist, length)
SELECT
    ts AS start_time,
    user_id,
    level,
    session_id,
    location,
    user_agent,
    song,
    artist,
    length
FROM staging_events
WHERE page = 'NextSong' AND ts IS NOT NULL AND user_id IS NOT NULL AND session_id IS NOT NULL
EXCEPT
SELECT
    start_time,
    user_id,
    level,
    session_id,
    location,
    user_agent,
    song,
    artist,
    length
FROM songplays
"""

# Of different plays with one natural key only one can be kept: the one that sorts first is, in whichever order their
# files are loaded.
songplay_table_delete = """
-- songplays: delete other plays with the same key
DELETE FROM songplays
USING (
    SELECT
        sp.songplay_id,
        ROW_NUMBER() OVER (
            PARTITION BY sp.start_time, sp.user_id, sp.session_id
            ORDER BY sp.song, sp.artist, sp.length, sp.level, sp.location, sp.user_agent, sp.songplay_id
        ) AS choice
    FROM songplays AS sp
    WHERE EXISTS (
        SELECT 1
        FROM staging_events AS e
        WHERE e.ts = sp.start_time AND e.user_id = sp.user_id AND e.session_id = sp.session_id
    )
) AS r
WHERE songplays.songplay_id = r.songplay_id AND r.choice > 1
"""

# A corrected song file may have taken the song from under a play.
songplay_table_unmatch = """
-- songplays: take away songs that fit no more
UPDATE songplays
SET
    song_id = NULL,
    artist_id = NULL
WHERE
    song_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1
        FROM songs AS s
        WHERE s.song_id = songplays.song_id AND s.title = songplays.song AND s.artist_name = songplays.artist
    )
"""

# A play's song is the one with the same title and artist name; of several, the one closest in duration, then the
# smallest song_id. So no play is multiplied, and one that was loaded before its song was known gets it now.
songplay_table_match = """
-- songplays: match plays with songs
UPDATE songplays
SET
    song_id = m.song_id,
    artist_id = m.artist_id
FROM (
    SELECT
        sp.songplay_id,
        s.song_id,
        s.artist_id,
        ROW_NUMBER() OVER (
            PARTITION BY sp.songplay_id
            ORDER BY ABS(s.duration - sp.length), s.song_id
        ) AS choice
    FROM songplays AS sp
    INNER JOIN songs AS s ON sp.song = s.title AND sp.artist = s.artist_name
) AS m
WHERE
    songplays.songplay_id = m.songplay_id
    AND m.choice = 1
    AND (songplays.song_id IS NULL OR songplays.song_id <> m.song_id OR songplays.artist_id <> m.artist_id)
"""

time_table_insert = """
-- time: add new times
INSERT INTO time (start_time, hour, day, week, month, year, weekday)
SELECT DISTINCT
    sp.start_time,
    EXTRACT(HOUR FROM sp.start_time) AS hour,
    EXTRACT(DAY FROM sp.start_time) AS day,
    EXTRACT(WEEK FROM sp.start_time) AS week,
    EXTRACT(MONTH FROM sp.start_time) AS month,
    EXTRACT(YEAR FROM sp.start_time) AS year,
    EXTRACT(DOW FROM sp.start_time) AS weekday
FROM songplays AS sp
WHERE NOT EXISTS (
    SELECT 1 FROM time AS t
    WHERE t.start_time = sp.start_time
)
"""

# The planner's statistics, for the checks below and for the analysts.
songplay_table_analyze = """
-- songplays: analyze
ANALYZE songplays
"""
user_table_analyze = """
-- users: analyze
ANALYZE users
"""
song_table_analyze = """
-- songs: analyze
ANALYZE songs
"""
artist_table_analyze = """
-- artists: analyze
ANALYZE artists
"""
time_table_analyze = """
-- time: analyze
ANALYZE time
"""

# --------------------------------------------------------------------------------------------- quality checks

# Each check selects offending rows; none means pass. They run before the commit, and one row rolls the load back.
# The first ones are about the staged rows: what lacks its key cannot be loaded and is not silently left out.
quality_checks = [
    """
-- every staged event has its time
SELECT
    session_id,
    item_in_session,
    page,
    user_id
FROM staging_events
WHERE ts IS NULL
ORDER BY session_id
LIMIT 5
""",
    """
-- every staged play has its user and session
SELECT
    ts,
    user_id,
    session_id,
    song,
    artist
FROM staging_events
WHERE page = 'NextSong' AND (user_id IS NULL OR session_id IS NULL)
ORDER BY ts
LIMIT 5
""",
    """
-- every staged song has its song_id and artist_id
SELECT
    song_id,
    artist_id,
    title,
    artist_name
FROM staging_songs
WHERE song_id IS NULL OR artist_id IS NULL
ORDER BY song_id
LIMIT 5
""",
    """
-- every staged play is in songplays once
SELECT
    p.ts,
    p.user_id,
    p.session_id,
    COUNT(sp.start_time) AS found
FROM (
    SELECT DISTINCT
        ts,
        user_id,
        session_id
    FROM staging_events
    WHERE page = 'NextSong'
) AS p
LEFT JOIN songplays AS sp ON p.ts = sp.start_time AND p.user_id = sp.user_id AND p.session_id = sp.session_id
GROUP BY p.ts, p.user_id, p.session_id
HAVING COUNT(sp.start_time) <> 1
ORDER BY p.ts
LIMIT 5
""",
    """
-- songplays: songplay_id is unique
SELECT
    songplay_id,
    COUNT(*) AS found
FROM songplays
GROUP BY songplay_id
HAVING COUNT(*) > 1
ORDER BY songplay_id
LIMIT 5
""",
    """
-- songplays: (start_time, user_id, session_id) is unique
SELECT
    start_time,
    user_id,
    session_id,
    COUNT(*) AS found
FROM songplays
GROUP BY start_time, user_id, session_id
HAVING COUNT(*) > 1
ORDER BY start_time
LIMIT 5
""",
    """
-- users: user_id is unique
SELECT
    user_id,
    COUNT(*) AS found
FROM users
GROUP BY user_id
HAVING COUNT(*) > 1
ORDER BY user_id
LIMIT 5
""",
    """
-- songs: song_id is unique
SELECT
    song_id,
    COUNT(*) AS found
FROM songs
GROUP BY song_id
HAVING COUNT(*) > 1
ORDER BY song_id
LIMIT 5
""",
    """
-- artists: artist_id is unique
SELECT
    artist_id,
    COUNT(*) AS found
FROM artists
GROUP BY artist_id
HAVING COUNT(*) > 1
ORDER BY artist_id
LIMIT 5
""",
    """
-- time: start_time is unique
SELECT
    start_time,
    COUNT(*) AS found
FROM time
GROUP BY start_time
HAVING COUNT(*) > 1
ORDER BY start_time
LIMIT 5
""",
    """
-- every songplay's start_time is in time
SELECT
    sp.songplay_id,
    sp.start_time
FROM songplays AS sp
LEFT JOIN time AS t ON sp.start_time = t.start_time
WHERE t.start_time IS NULL
ORDER BY sp.songplay_id
LIMIT 5
""",
    """
-- every start_time in time is a songplay's
SELECT t.start_time
FROM time AS t
LEFT JOIN songplays AS sp ON t.start_time = sp.start_time
WHERE sp.start_time IS NULL
ORDER BY t.start_time
LIMIT 5
""",
    """
-- every songplay's user is in users
SELECT
    sp.songplay_id,
    sp.user_id
FROM songplays AS sp
LEFT JOIN users AS u ON sp.user_id = u.user_id
WHERE u.user_id IS NULL
ORDER BY sp.songplay_id
LIMIT 5
""",
    """
-- every songplay's song is in songs
SELECT
    sp.songplay_id,
    sp.song_id
FROM songplays AS sp
LEFT JOIN songs AS s ON sp.song_id = s.song_id
WHERE sp.song_id IS NOT NULL AND s.song_id IS NULL
ORDER BY sp.songplay_id
LIMIT 5
""",
    """
-- every songplay's artist is in artists
SELECT
    sp.songplay_id,
    sp.artist_id
FROM songplays AS sp
LEFT JOIN artists AS a ON sp.artist_id = a.artist_id
WHERE sp.artist_id IS NOT NULL AND a.artist_id IS NULL
ORDER BY sp.songplay_id
LIMIT 5
""",
    """
-- every song's artist is in artists
SELECT
    s.song_id,
    s.artist_id
FROM songs AS s
LEFT JOIN artists AS a ON s.artist_id = a.artist_id
WHERE a.artist_id IS NULL
ORDER BY s.song_id
LIMIT 5
""",
    """
-- songplays: values are in range
SELECT
    songplay_id,
    start_time,
    level,
    length
FROM songplays
WHERE
    start_time < '2000-01-01' OR start_time >= '2100-01-01'
    OR level NOT IN ('free', 'paid') OR length <= 0
    OR (song_id IS NULL AND artist_id IS NOT NULL) OR (song_id IS NOT NULL AND artist_id IS NULL)
ORDER BY songplay_id
LIMIT 5
""",
    """
-- users: values are in range
SELECT
    user_id,
    level
FROM users
WHERE level NOT IN ('free', 'paid')
ORDER BY user_id
LIMIT 5
""",
    """
-- songs: values are in range
SELECT
    song_id,
    year,
    duration
FROM songs
WHERE year < 1000 OR year > 2100 OR duration <= 0
ORDER BY song_id
LIMIT 5
""",
    """
-- artists: values are in range
SELECT
    artist_id,
    latitude,
    longitude
FROM artists
WHERE latitude < -90 OR latitude > 90 OR longitude < -180 OR longitude > 180
ORDER BY artist_id
LIMIT 5
""",
]

# ----------------------------------------------------------------------------------- what a load tells about itself

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

# The rows and the id of the session's last COPY.
last_copy_select = """
-- the session's last COPY
SELECT
    pg_last_copy_count() AS rows_loaded,
    pg_last_copy_id() AS copy_id
"""

# The number by which another session finds this one's COPY in the system tables.
session_select = """
-- the session's number
SELECT pg_backend_pid() AS session_pid
"""

# A running COPY, seen from another session. Serverless has the second view only.
stv_load_state_select = """
-- COPY: how far it is
SELECT
    SUM(num_files_complete) AS files_complete,
    SUM(num_files) AS files,
    SUM(bytes_loaded) AS bytes_loaded,
    SUM(bytes_to_load) AS bytes
FROM stv_load_state
WHERE session = %(session)s
"""

sys_load_history_select = """
-- COPY: how far it is, on Serverless
SELECT
    SUM(file_count_scanned) AS files_complete,
    SUM(source_file_count) AS files,
    SUM(file_bytes_scanned) AS bytes_loaded,
    SUM(source_file_bytes) AS bytes
FROM sys_load_history
WHERE session_id = %(session)s AND status = 'running'
"""

# What the COPYs of a session rejected after the one with the id `after`; in the newest COPY's order. Read from another
# session: what the COPY's own has seen is rolled back, and a view that is missing would end its transaction.
stl_load_errors_select = """
-- COPY: which records it rejected
SELECT
    query AS copy_id,
    line_number,
    err_code AS error_code,
    TRIM(raw_field_value) AS value,
    TRIM(filename) AS file_name,
    TRIM(colname) AS column_name,
    TRIM(err_reason) AS error_message
FROM stl_load_errors
WHERE session = %(session)s AND query > %(after)s
ORDER BY query DESC, filename ASC, line_number ASC
LIMIT 100
"""

sys_load_error_detail_select = """
-- COPY: which records it rejected, on Serverless
SELECT
    query_id AS copy_id,
    line_number,
    error_code,
    CAST(NULL AS VARCHAR) AS value,
    TRIM(file_name) AS file_name,
    TRIM(column_name) AS column_name,
    TRIM(error_message) AS error_message
FROM sys_load_error_detail
WHERE session_id = %(session)s AND query_id > %(after)s
ORDER BY query_id DESC, file_name ASC, line_number ASC
LIMIT 100
"""

# ------------------------------------------------------------------------------------------------- query lists

drop_table_queries = [
    staging_events_table_drop,
    staging_songs_table_drop,
    songplay_table_drop,
    time_table_drop,
    user_table_drop,
    song_table_drop,
    artist_table_drop,
]
create_table_queries = [
    staging_events_table_create,
    staging_songs_table_create,
    user_table_create,
    artist_table_create,
    song_table_create,
    time_table_create,
    songplay_table_create,
]
copy_table_queries = [staging_events_delete, staging_events_copy, staging_songs_delete, staging_songs_copy]
insert_table_queries = [
    user_table_update,
    user_table_insert,
    artist_table_delete,
    artist_table_insert,
    song_table_delete,
    song_table_insert,
    songplay_table_insert,
    songplay_table_delete,
    songplay_table_unmatch,
    songplay_table_match,
    time_table_insert,
]
analyze_table_queries = [
    songplay_table_analyze,
    user_table_analyze,
    song_table_analyze,
    artist_table_analyze,
    time_table_analyze,
]
copy_progress_queries = [stv_load_state_select, sys_load_history_select]
rejected_records_queries = [stl_load_errors_select, sys_load_error_detail_select]
