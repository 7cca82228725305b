"""Every SQL statement of the Sparkify data warehouse, as Amazon Redshift SQL, in the order in which it runs.

create_tables.py runs drop_table_queries, create_table_queries and comment_queries; etl.py runs copy_table_queries,
insert_table_queries, analyze_table_queries and quality_checks, all in one transaction. What analysts ask is in
notebooks/. Values are psycopg2 parameters: %(name)s; a literal % is doubled. The first line of a statement is its name,
which logs, progress, errors and Redshift's own query history show.
"""

# ----------------------------------------------------------------------------------------------------- tables

staging_events_table_drop = "-- staging_events: drop the table\nDROP TABLE IF EXISTS staging_events"
staging_songs_table_drop = "-- staging_songs: drop the table\nDROP TABLE IF EXISTS staging_songs"
songplay_table_drop = "-- songplays: drop the table\nDROP TABLE IF EXISTS songplays"
user_table_drop = "-- users: drop the table\nDROP TABLE IF EXISTS users"
song_table_drop = "-- songs: drop the table\nDROP TABLE IF EXISTS songs"
artist_table_drop = "-- artists: drop the table\nDROP TABLE IF EXISTS artists"
loaded_file_table_drop = "-- loaded_files: drop the table\nDROP TABLE IF EXISTS loaded_files"
time_table_drop = "-- time: drop the table\nDROP TABLE IF EXISTS time"

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
# is the name on this song, which plays are matched by: an artist may go by several. Name and place are kept as the
# song's file has them, since the row in artists is chosen from all of an artist's songs, whenever each is loaded.
song_table_create = """
-- songs: create the table
CREATE TABLE IF NOT EXISTS songs (
    song_id          VARCHAR(32)      NOT NULL,
    title            VARCHAR(1024),
    artist_id        VARCHAR(32)      NOT NULL,
    year             INTEGER,
    duration         DOUBLE PRECISION,
    artist_name      VARCHAR(1024),
    artist_location  VARCHAR(1024),
    artist_latitude  DOUBLE PRECISION,
    artist_longitude DOUBLE PRECISION,
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

# Grain: one row per file and load that read it; the latest counts. version is an object's ETag in S3, and of a file on
# disk the time of its last change: a load reads what is new or changed since. Its rows are written in its transaction.
# A load that reads all files without listing them writes one row, whose file_name is empty.
loaded_file_table_create = """
-- loaded_files: create the table
CREATE TABLE IF NOT EXISTS loaded_files (
    file_name VARCHAR(4096) NOT NULL,
    size      BIGINT        NOT NULL,
    version   VARCHAR(256)  NOT NULL,
    load_id   VARCHAR(64)   NOT NULL,
    loaded_at TIMESTAMP     NOT NULL
)
DISTSTYLE AUTO
"""

# ---------------------------------------------------------------------------------------------------- staging

# First in the transaction of a load: two loads at once take turns, and see what the one before did. No reader of the
# star schema uses this table, and a load does not drop it, as it does the staging tables.
load_lock = "-- loaded_files: wait for other loads\nLOCK loaded_files"

# What create_tables.py looks at before it drops anything; a table that is not there cannot be counted.
present_tables_select = """
-- all tables: which are there
SELECT tablename AS found FROM pg_tables
WHERE schemaname = CURRENT_SCHEMA()
"""
row_count_selects = {
    "staging_events": "-- staging_events: count the rows\nSELECT COUNT(*) AS found FROM staging_events",
    "staging_songs": "-- staging_songs: count the rows\nSELECT COUNT(*) AS found FROM staging_songs",
    "users": "-- users: count the rows\nSELECT COUNT(*) AS found FROM users",
    "artists": "-- artists: count the rows\nSELECT COUNT(*) AS found FROM artists",
    "songs": "-- songs: count the rows\nSELECT COUNT(*) AS found FROM songs",
    "time": "-- time: count the rows\nSELECT COUNT(*) AS found FROM time",
    "songplays": "-- songplays: count the rows\nSELECT COUNT(*) AS found FROM songplays",
}

tables_select = """
-- all tables: see that they are there
SELECT 1 AS found
FROM songplays, time, users, songs, artists, staging_events, staging_songs
WHERE 1 = 0
"""

loaded_files_select = """
-- loaded_files: read what was loaded before
SELECT file_name, size, version FROM loaded_files
WHERE SUBSTRING(file_name, 1, LEN(%(source)s)) = %(source)s AND version NOT LIKE 'jsonpaths %%'
ORDER BY file_name, loaded_at
"""

# The jsonpaths file that the load before read its logs with is in the ledger, too, with a checksum of its contents.
loaded_mapping_select = """
-- loaded_files: see which jsonpaths file the logs were read with
SELECT version FROM loaded_files
WHERE version LIKE 'jsonpaths %%'
ORDER BY loaded_at DESC LIMIT 1
"""

# The staging tables are dropped and created anew in the load's transaction: what they held costs nothing, and a load
# that fails leaves it. (TRUNCATE would commit.) STATUPDATE ON: the joins below are planned by the rows that are there.
# Either COPY reads all files below a place, or those that a manifest in its place names.
staging_events_copy = """
-- staging_events: COPY
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
-- staging_songs: COPY
COPY staging_songs
FROM %(song_data)s
IAM_ROLE %(role_arn)s
REGION %(region)s
FORMAT AS JSON 'auto'
MAXERROR %(max_errors)s
COMPUPDATE OFF
STATUPDATE ON
"""

staging_events_copy_new = staging_events_copy + "MANIFEST\n"
staging_songs_copy_new = staging_songs_copy + "MANIFEST\n"
# Where SONG_DATA is the manifest of infra/compact_songs.py: its files are compressed, and COPY wants to be told.
staging_songs_copy_compacted = staging_songs_copy_new + "GZIP\n"

# The stretch of start_time that this load's plays lie in. It is bound in the statements below, so that Redshift reads
# the blocks of that stretch alone: songplays and time are sorted by it.
staged_plays_select = """
-- staging_events: count the plays and find their stretch of time
SELECT COUNT(*) AS plays, MIN(ts) AS first_time, MAX(ts) AS last_time
FROM staging_events
WHERE page = 'NextSong'
"""

# A text that was encoded as UTF-8 twice ("BjÃ¶rk") is loaded as it is, and told, for it finds no song. Each letter
# beyond ASCII has become two or more, of which the first is one of a few. The lengths keep the pattern from ASCII.
garbled_texts_select = """
-- staging: count texts that look as if they were encoded twice
SELECT COUNT(*) AS garbled_texts, MIN(t.value) AS garbled_example FROM (
    SELECT artist AS value FROM staging_events
    UNION ALL
    SELECT song AS value FROM staging_events
    UNION ALL
    SELECT artist_name AS value FROM staging_songs
    UNION ALL
    SELECT title AS value FROM staging_songs
) AS t
WHERE OCTET_LENGTH(t.value) > LEN(t.value) AND t.value ~ '(Ã|Â|Ð|Ñ|â€)[^ -~]'
"""

# Each of these checks selects offending rows; none means pass. What lacks its key cannot be loaded and is not silently
# left out.
staging_checks = [
    """-- every staged event has its time
SELECT session_id, item_in_session, page, user_id FROM staging_events
WHERE ts IS NULL
ORDER BY session_id LIMIT 5""",
    """-- every staged play has its user and session
SELECT ts, user_id, session_id, song, artist FROM staging_events
WHERE page = 'NextSong' AND (user_id IS NULL OR session_id IS NULL)
ORDER BY ts LIMIT 5""",
    """-- every staged song has its song_id and artist_id
SELECT song_id, artist_id, title, artist_name FROM staging_songs
WHERE song_id IS NULL OR artist_id IS NULL
ORDER BY song_id LIMIT 5""",
]

# ------------------------------------------------------------------------------------------------ star schema

# What is new or changed is found first and kept in temporary tables, so that the rest is left alone. The dimensions
# come before the facts: Redshift plans by the declared keys and does not enforce them, so each is true whenever a
# statement reads its table.

# Grain: one row per staged song that is not in songs just so (EXCEPT takes NULLs as equal), beside its old names.
# A song that is staged more than once is taken from the row that sorts first. A corrected file corrects the warehouse.
song_change_table_create = """
-- songs: find the staged ones that are new or changed
CREATE TEMP TABLE song_changes AS
WITH ranked AS (
    SELECT
        s.song_id, s.title, s.artist_id, NULLIF(s.year, 0) AS year, s.duration, s.artist_name,
        s.artist_location, s.artist_latitude, s.artist_longitude,
        ROW_NUMBER() OVER (
            PARTITION BY s.song_id
            ORDER BY
                s.title, s.artist_id, s.artist_name, s.duration, s.year, s.artist_location,
                s.artist_latitude, s.artist_longitude
        ) AS choice
    FROM staging_songs AS s
),

changed AS (
    SELECT
        song_id, title, artist_id, year, duration, artist_name, artist_location, artist_latitude, artist_longitude
    FROM ranked
    WHERE choice = 1
    EXCEPT
    SELECT
        song_id, title, artist_id, year, duration, artist_name, artist_location, artist_latitude, artist_longitude
    FROM songs
    WHERE songs.song_id IN (SELECT staging_songs.song_id FROM staging_songs)
)

SELECT
    c.song_id, c.title, c.artist_id, c.year, c.duration, c.artist_name, c.artist_location,
    c.artist_latitude, c.artist_longitude,
    CASE WHEN s.song_id IS NULL THEN 1 ELSE 0 END AS is_new,
    s.title AS old_title, s.artist_id AS old_artist_id, s.artist_name AS old_artist_name
FROM changed AS c
LEFT JOIN songs AS s ON c.song_id = s.song_id
"""

# An artist's row is taken whole from one of the artist's songs: the one with the shortest name (guests make a name
# longer), of these the name that sorts first, with coordinates if any has them, of the smallest song_id. Asked for are
# the artists of the songs that changed; their other songs compete as well.
artist_change_table_create = """
-- artists: find the rows that the changed songs make
CREATE TEMP TABLE artist_changes AS
WITH touched AS (
    SELECT artist_id FROM song_changes
    UNION DISTINCT
    SELECT old_artist_id AS artist_id FROM song_changes
),

credits AS (
    SELECT song_id, artist_id, artist_name, artist_location, artist_latitude, artist_longitude
    FROM song_changes
    UNION ALL
    SELECT
        s.song_id, s.artist_id, s.artist_name, s.artist_location, s.artist_latitude, s.artist_longitude
    FROM songs AS s
    INNER JOIN touched AS t ON s.artist_id = t.artist_id
    WHERE s.song_id NOT IN (SELECT song_changes.song_id FROM song_changes)
),

ranked AS (
    SELECT
        c.artist_id, c.artist_name, c.artist_location, c.artist_latitude, c.artist_longitude,
        ROW_NUMBER() OVER (
            PARTITION BY c.artist_id
            ORDER BY
                LEN(c.artist_name), c.artist_name,
                CASE WHEN c.artist_latitude IS NULL THEN 1 ELSE 0 END,
                c.song_id
        ) AS choice
    FROM credits AS c
),

changed AS (
    SELECT
        artist_id, artist_name AS name, artist_location AS location, artist_latitude AS latitude,
        artist_longitude AS longitude
    FROM ranked
    WHERE choice = 1
    EXCEPT
    SELECT artist_id, name, location, latitude, longitude FROM artists
)

SELECT
    c.artist_id, c.name, c.location, c.latitude, c.longitude,
    CASE WHEN a.artist_id IS NULL THEN 1 ELSE 0 END AS is_new
FROM changed AS c
LEFT JOIN artists AS a ON c.artist_id = a.artist_id
"""

# A user is as of the latest event on any page; of events at the same millisecond the one that sorts last counts (paid
# after free), so the order in which log files are loaded does not matter. The row that is there competes with them.
user_change_table_create = """
-- users: find those with a later event
CREATE TEMP TABLE user_changes AS
WITH latest AS (
    SELECT user_id, MAX(ts) AS last_seen FROM staging_events
    WHERE user_id IS NOT NULL
    GROUP BY user_id
),

candidates AS (
    SELECT e.user_id, e.first_name, e.last_name, e.gender, e.level, e.ts AS last_seen, 0 AS is_known
    FROM staging_events AS e
    INNER JOIN latest AS l ON e.user_id = l.user_id AND e.ts = l.last_seen
    UNION ALL
    SELECT user_id, first_name, last_name, gender, level, last_seen, 1 AS is_known
    FROM users
    WHERE users.user_id IN (SELECT latest.user_id FROM latest)
),

ranked AS (
    SELECT
        c.user_id, c.first_name, c.last_name, c.gender, c.level, c.last_seen, c.is_known,
        MAX(c.is_known) OVER (PARTITION BY c.user_id) AS user_is_known,
        ROW_NUMBER() OVER (
            PARTITION BY c.user_id
            ORDER BY
                c.last_seen DESC, c.level DESC NULLS LAST, c.first_name DESC NULLS LAST,
                c.last_name DESC NULLS LAST, c.gender DESC NULLS LAST, c.is_known DESC
        ) AS choice
    FROM candidates AS c
)

SELECT user_id, first_name, last_name, gender, level, last_seen, 1 - user_is_known AS is_new
FROM ranked
WHERE choice = 1 AND is_known = 0
"""

artist_table_update = """
-- artists: update those that changed
UPDATE artists
SET name = c.name, location = c.location, latitude = c.latitude, longitude = c.longitude
FROM artist_changes AS c
WHERE artists.artist_id = c.artist_id AND c.is_new = 0
"""

artist_table_insert = """
-- artists: add new ones
INSERT INTO artists (artist_id, name, location, latitude, longitude)
SELECT artist_id, name, location, latitude, longitude FROM artist_changes
WHERE is_new = 1
"""

song_table_update = """
-- songs: update those that changed
UPDATE songs
SET
    title = c.title, artist_id = c.artist_id, year = c.year, duration = c.duration,
    artist_name = c.artist_name, artist_location = c.artist_location,
    artist_latitude = c.artist_latitude, artist_longitude = c.artist_longitude
FROM song_changes AS c
WHERE songs.song_id = c.song_id AND c.is_new = 0
"""

song_table_insert = """
-- songs: add new ones
INSERT INTO songs (
    song_id, title, artist_id, year, duration, artist_name, artist_location, artist_latitude, artist_longitude
)
SELECT
    song_id, title, artist_id, year, duration, artist_name, artist_location, artist_latitude, artist_longitude
FROM song_changes
WHERE is_new = 1
"""

user_table_update = """
-- users: update those with a later event
UPDATE users
SET
    first_name = c.first_name, last_name = c.last_name, gender = c.gender, level = c.level,
    last_seen = c.last_seen
FROM user_changes AS c
WHERE users.user_id = c.user_id AND c.is_new = 0
"""

user_table_insert = """
-- users: add new ones
INSERT INTO users (user_id, first_name, last_name, gender, level, last_seen)
SELECT user_id, first_name, last_name, gender, level, last_seen
FROM user_changes
WHERE is_new = 1
"""

time_table_insert = """
-- time: add new times
INSERT INTO time (start_time, hour, day, week, month, year, weekday)
SELECT
    n.start_time, EXTRACT(HOUR FROM n.start_time) AS hour, EXTRACT(DAY FROM n.start_time) AS day,
    EXTRACT(WEEK FROM n.start_time) AS week, EXTRACT(MONTH FROM n.start_time) AS month,
    EXTRACT(YEAR FROM n.start_time) AS year, EXTRACT(DOW FROM n.start_time) AS weekday
FROM (
    SELECT ts AS start_time FROM staging_events
    WHERE page = 'NextSong'
    EXCEPT
    SELECT start_time FROM time
    WHERE start_time BETWEEN %(first)s AND %(last)s
) AS n
"""

# The planner's statistics, for the joins and checks below and for the analysts.
user_table_analyze = "-- users: analyze\nANALYZE users"
song_table_analyze = "-- songs: analyze\nANALYZE songs"
artist_table_analyze = "-- artists: analyze\nANALYZE artists"

# A play's song is the one with the same title and artist name; of several, the one closest in duration, then the
# smallest song_id. So no play is multiplied. A play that was loaded before its song was known, or before it was
# corrected, is matched again: plays with a name that a changed song has or had. Without such a song this is not run.
songplay_table_match = """
-- songplays: match older plays with the songs that changed
UPDATE songplays
SET song_id = m.song_id, artist_id = m.artist_id
FROM (
    WITH names AS (
        SELECT title, artist_name FROM song_changes
        UNION DISTINCT
        SELECT old_title AS title, old_artist_name AS artist_name
        FROM song_changes
    )

    SELECT
        sp.songplay_id, s.song_id, s.artist_id,
        ROW_NUMBER() OVER (
            PARTITION BY sp.songplay_id
            ORDER BY ABS(s.duration - sp.length), s.song_id
        ) AS choice
    FROM songplays AS sp
    INNER JOIN names AS n ON sp.song = n.title AND sp.artist = n.artist_name
    LEFT JOIN songs AS s ON sp.song = s.title AND sp.artist = s.artist_name
) AS m
WHERE
    songplays.songplay_id = m.songplay_id
    AND m.choice = 1
    AND (
        COALESCE(songplays.song_id, '') <> COALESCE(m.song_id, '')
        OR COALESCE(songplays.artist_id, '') <> COALESCE(m.artist_id, '')
    )
"""

# Of different plays with one natural key only one can be kept: the one that sorts first is, in whichever order their
# files are loaded. Here go those that are there and that a staged play comes before.
songplay_table_delete = """
-- songplays: delete plays that a staged one replaces
DELETE FROM songplays
WHERE songplay_id IN (
    SELECT r.songplay_id FROM (
        SELECT
            c.songplay_id,
            ROW_NUMBER() OVER (
                PARTITION BY c.start_time, c.user_id, c.session_id
                ORDER BY c.song, c.artist, c.length, c.level, c.location, c.user_agent, c.songplay_id
            ) AS choice
        FROM (
            SELECT
                sp.songplay_id, sp.start_time, sp.user_id, sp.session_id, sp.song, sp.artist,
                sp.length, sp.level, sp.location, sp.user_agent
            FROM songplays AS sp
            INNER JOIN (
                SELECT DISTINCT
                    ts, user_id, session_id
                FROM staging_events
                WHERE page = 'NextSong'
            ) AS k ON sp.start_time = k.ts AND sp.user_id = k.user_id AND sp.session_id = k.session_id
            WHERE sp.start_time BETWEEN %(first)s AND %(last)s
            UNION ALL
            SELECT
                CAST(NULL AS BIGINT) AS songplay_id, e.ts AS start_time, e.user_id, e.session_id,
                e.song, e.artist, e.length, e.level, e.location, e.user_agent
            FROM staging_events AS e
            INNER JOIN songplays AS p ON e.ts = p.start_time AND e.user_id = p.user_id AND e.session_id = p.session_id
            WHERE e.page = 'NextSong' AND p.start_time BETWEEN %(first)s AND %(last)s
        ) AS c
    ) AS r
    WHERE r.choice > 1 AND r.songplay_id IS NOT NULL
)
"""

# Every staged play that is not there, once, with its song by the rule above. Both staging tables meet here: the events,
# and the staged songs by way of songs, which has them by now, so that songs of earlier loads are found, too.
songplay_table_insert = """
-- songplays: add new plays
INSERT INTO songplays (
    start_time, user_id, level, song_id, artist_id, session_id, location, user_agent, song, artist, length
)
WITH ranked AS (
    SELECT
        e.ts AS start_time, e.user_id, e.level, s.song_id, s.artist_id, e.session_id, e.location,
        e.user_agent, e.song, e.artist, e.length,
        ROW_NUMBER() OVER (
            PARTITION BY e.ts, e.user_id, e.session_id
            ORDER BY
                e.song, e.artist, e.length, e.level, e.location, e.user_agent,
                ABS(s.duration - e.length), s.song_id
        ) AS choice
    FROM staging_events AS e
    LEFT JOIN songs AS s ON e.song = s.title AND e.artist = s.artist_name
    LEFT JOIN songplays AS sp
        ON
            e.ts = sp.start_time AND e.user_id = sp.user_id AND e.session_id = sp.session_id
            AND sp.start_time BETWEEN %(first)s AND %(last)s
    WHERE e.page = 'NextSong' AND sp.start_time IS NULL
)

SELECT
    start_time, user_id, level, song_id, artist_id, session_id, location, user_agent, song, artist, length
FROM ranked
WHERE choice = 1
"""

song_change_table_drop = "-- songs: forget the changes\nDROP TABLE song_changes"
artist_change_table_drop = "-- artists: forget the changes\nDROP TABLE artist_changes"
user_change_table_drop = "-- users: forget the changes\nDROP TABLE user_changes"

matched_select = """
-- songplays: count those of the stretch that have a song
SELECT COUNT(song_id) AS found FROM songplays
WHERE start_time BETWEEN %(first)s AND %(last)s
"""

# The ledger's new rows come by COPY, like all rows here: a load may bring hundreds of thousands of files.
loaded_files_copy = """
-- loaded_files: COPY the list of this load's files
COPY loaded_files
FROM %(file_list)s
IAM_ROLE %(role_arn)s
REGION %(region)s
FORMAT AS JSON 'auto'
TIMEFORMAT 'epochmillisecs'
COMPUPDATE OFF
STATUPDATE OFF
"""

load_insert = """
-- loaded_files: note a load of all files
INSERT INTO loaded_files (file_name, size, version, load_id, loaded_at)
VALUES ('', 0, '', %(load_id)s, SYSDATE)
"""

# Whether a load was committed, when the answer to its commit is lost.
load_select = """
-- loaded_files: see whether a load is there
SELECT COUNT(*) AS files FROM loaded_files
WHERE load_id = %(load_id)s
"""

songplay_table_analyze = "-- songplays: analyze\nANALYZE songplays"
time_table_analyze = "-- time: analyze\nANALYZE time"

# --------------------------------------------------------------------------------------------- quality checks

# Each check selects offending rows; none means pass. They run before the commit, and one row rolls the load back. Of
# songplays and time they read the stretch from %(first)s to %(last)s: a load's own, or all of it (etl.py --audit). The
# other tables are read whole, a column or two of what is small beside songplays.
ALL_TIME = {"first": "0001-01-01", "last": "9999-12-31"}

# Redshift trusts declared keys and may leave out work that they make needless. So no check joins or groups by the key
# that it proves: keys are grouped by an expression, and what must be in another table is looked for by EXCEPT.
quality_checks = [
    """-- every staged play is in songplays
SELECT ts, user_id, session_id FROM staging_events
WHERE page = 'NextSong' AND ts BETWEEN %(first)s AND %(last)s
EXCEPT
SELECT start_time AS ts, user_id, session_id FROM songplays
WHERE start_time BETWEEN %(first)s AND %(last)s
ORDER BY ts LIMIT 5""",
    """-- songplays: songplay_id is unique
SELECT songplay_id + 0 AS songplay_id, COUNT(*) AS found FROM songplays
WHERE start_time BETWEEN %(first)s AND %(last)s
GROUP BY songplay_id + 0
HAVING COUNT(*) > 1
ORDER BY songplay_id + 0 LIMIT 5""",
    """-- songplays: (start_time, user_id, session_id) is unique
SELECT start_time, user_id, session_id, COUNT(*) AS found FROM songplays
WHERE start_time BETWEEN %(first)s AND %(last)s
GROUP BY start_time, user_id, session_id
HAVING COUNT(*) > 1
ORDER BY start_time LIMIT 5""",
    """-- users: user_id is unique
SELECT user_id + 0 AS user_id, COUNT(*) AS found FROM users
GROUP BY user_id + 0
HAVING COUNT(*) > 1
ORDER BY user_id + 0 LIMIT 5""",
    """-- songs: song_id is unique
SELECT song_id || '' AS song_id, COUNT(*) AS found FROM songs
GROUP BY song_id || ''
HAVING COUNT(*) > 1
ORDER BY song_id || '' LIMIT 5""",
    """-- artists: artist_id is unique
SELECT artist_id || '' AS artist_id, COUNT(*) AS found FROM artists
GROUP BY artist_id || ''
HAVING COUNT(*) > 1
ORDER BY artist_id || '' LIMIT 5""",
    """-- time: start_time is unique
SELECT start_time + INTERVAL '0 seconds' AS start_time, COUNT(*) AS found
FROM time
WHERE start_time BETWEEN %(first)s AND %(last)s
GROUP BY start_time + INTERVAL '0 seconds'
HAVING COUNT(*) > 1
ORDER BY start_time + INTERVAL '0 seconds' LIMIT 5""",
    """-- songplays: every start_time is in time
SELECT start_time FROM songplays
WHERE start_time BETWEEN %(first)s AND %(last)s
EXCEPT
SELECT start_time FROM time
WHERE start_time BETWEEN %(first)s AND %(last)s
ORDER BY start_time LIMIT 5""",
    """-- time: every start_time is in songplays
SELECT start_time FROM time
WHERE start_time BETWEEN %(first)s AND %(last)s
EXCEPT
SELECT start_time FROM songplays
WHERE start_time BETWEEN %(first)s AND %(last)s
ORDER BY start_time LIMIT 5""",
    """-- songplays: every user_id is in users
SELECT user_id FROM songplays
WHERE start_time BETWEEN %(first)s AND %(last)s
EXCEPT
SELECT user_id FROM users
ORDER BY user_id LIMIT 5""",
    """-- songplays: every song_id is in songs
SELECT song_id FROM songplays
WHERE song_id IS NOT NULL AND start_time BETWEEN %(first)s AND %(last)s
EXCEPT
SELECT song_id FROM songs
ORDER BY song_id LIMIT 5""",
    """-- songplays: every artist_id is in artists
SELECT artist_id FROM songplays
WHERE artist_id IS NOT NULL AND start_time BETWEEN %(first)s AND %(last)s
EXCEPT
SELECT artist_id FROM artists
ORDER BY artist_id LIMIT 5""",
    """-- songs: every artist_id is in artists
SELECT artist_id FROM songs
EXCEPT
SELECT artist_id FROM artists
ORDER BY artist_id LIMIT 5""",
    """-- songplays: values are in range
SELECT songplay_id, start_time, level, length FROM songplays
WHERE
    start_time BETWEEN %(first)s AND %(last)s
    AND (
        start_time < '2000-01-01' OR start_time >= '2100-01-01'
        OR level NOT IN ('free', 'paid') OR length <= 0
        OR (song_id IS NULL AND artist_id IS NOT NULL) OR (song_id IS NOT NULL AND artist_id IS NULL)
    )
ORDER BY songplay_id LIMIT 5""",
    """-- users: values are in range
SELECT user_id, level FROM users
WHERE level NOT IN ('free', 'paid')
ORDER BY user_id LIMIT 5""",
    """-- songs: values are in range
SELECT song_id, year, duration FROM songs
WHERE year < 1000 OR year > 2100 OR duration <= 0
ORDER BY song_id LIMIT 5""",
    """-- artists: values are in range
SELECT artist_id, latitude, longitude FROM artists
WHERE latitude < -90 OR latitude > 90 OR longitude < -180 OR longitude > 180
ORDER BY artist_id LIMIT 5""",
]

# ----------------------------------------------------------------------------------- what a load tells about itself

# The rows and the id of the session's last COPY.
last_copy_select = """
-- the session's last COPY
SELECT pg_last_copy_count() AS rows_loaded, pg_last_copy_id() AS copy_id
"""

# Who holds what a session waits for, seen from another one. A transaction that just ends has no start any more.
lock_holders_select = """
-- locks: who holds what this session waits for
SELECT DISTINCT
    holding.pid, holding.txn_owner, holding.txn_start
FROM svv_transactions AS waiting
INNER JOIN svv_transactions AS holding ON waiting.relation = holding.relation AND waiting.pid <> holding.pid
WHERE waiting.pid = %(session)s AND waiting.granted = 'f' AND holding.granted = 't' AND holding.txn_start IS NOT NULL
ORDER BY holding.txn_start LIMIT 1
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
    SUM(num_files_complete) AS files_complete, SUM(num_files) AS files,
    SUM(bytes_loaded) AS bytes_loaded, SUM(bytes_to_load) AS bytes
FROM stv_load_state
WHERE session = %(session)s
"""

sys_load_history_select = """
-- COPY: how far it is, on Serverless
SELECT
    SUM(file_count_scanned) AS files_complete, SUM(source_file_count) AS files,
    SUM(file_bytes_scanned) AS bytes_loaded, SUM(source_file_bytes) AS bytes
FROM sys_load_history
WHERE session_id = %(session)s AND status = 'running'
"""

# What the COPYs of a session rejected after the one with the id `after`; in the newest COPY's order. Read from another
# session: what the COPY's own has seen is rolled back, and a view that is missing would end its transaction.
stl_load_errors_select = """
-- COPY: which records it rejected
SELECT
    query AS copy_id, line_number, err_code AS error_code, TRIM(raw_field_value) AS value,
    TRIM(filename) AS file_name, TRIM(colname) AS column_name, TRIM(err_reason) AS error_message,
    COUNT(*) OVER () AS records
FROM stl_load_errors
WHERE session = %(session)s AND query > %(after)s
ORDER BY query DESC, filename ASC, line_number ASC LIMIT 100
"""

sys_load_error_detail_select = """
-- COPY: which records it rejected, on Serverless
SELECT
    query_id AS copy_id, line_number, error_code, CAST(NULL AS VARCHAR) AS value,
    TRIM(file_name) AS file_name, TRIM(column_name) AS column_name,
    TRIM(error_message) AS error_message, COUNT(*) OVER () AS records
FROM sys_load_error_detail
WHERE session_id = %(session)s AND query_id > %(after)s
ORDER BY query_id DESC, file_name ASC, line_number ASC LIMIT 100
"""

# ------------------------------------------------------------------------------------------------- query lists

drop_table_queries = [
    loaded_file_table_drop, staging_events_table_drop, staging_songs_table_drop, songplay_table_drop, time_table_drop,
    user_table_drop, song_table_drop, artist_table_drop,
]  # fmt: skip
create_table_queries = [
    loaded_file_table_create, staging_events_table_create, staging_songs_table_create, user_table_create,
    artist_table_create, song_table_create, time_table_create, songplay_table_create,
]  # fmt: skip
# What query editors and BI tools show beside a name. Not for staging, which each load drops.
comment_queries = [
    "COMMENT ON TABLE songplays IS 'One row per play of a song. Times are UTC.'",
    "COMMENT ON COLUMN songplays.songplay_id IS 'Primary key.'",
    "COMMENT ON COLUMN songplays.start_time IS 'References time.start_time.'",
    "COMMENT ON COLUMN songplays.user_id IS 'References users.user_id.'",
    "COMMENT ON COLUMN songplays.level IS 'The level of the user at the time of the play: free or paid.'",
    "COMMENT ON COLUMN songplays.song_id IS 'References songs.song_id. NULL: the song is not known.'",
    "COMMENT ON COLUMN songplays.artist_id IS 'References artists.artist_id. NULL where song_id is.'",
    "COMMENT ON COLUMN songplays.session_id IS 'The visit in which it was played: count it together with user_id.'",
    "COMMENT ON COLUMN songplays.location IS 'Where the user was.'",
    "COMMENT ON COLUMN songplays.song IS 'The title as the log has it, also for a song that is not known.'",
    "COMMENT ON COLUMN songplays.artist IS 'The artist as the log has it.'",
    "COMMENT ON COLUMN songplays.length IS 'Seconds, as the log has them.'",
    "COMMENT ON TABLE users IS 'One row per user seen on any page, as of the latest event.'",
    "COMMENT ON COLUMN users.user_id IS 'Primary key.'",
    "COMMENT ON COLUMN users.level IS 'free or paid, as of last_seen.'",
    "COMMENT ON COLUMN users.last_seen IS 'The time of the latest event, UTC.'",
    "COMMENT ON TABLE songs IS 'One row per song of the catalogue, played or not.'",
    "COMMENT ON COLUMN songs.song_id IS 'Primary key.'",
    "COMMENT ON COLUMN songs.artist_id IS 'References artists.artist_id.'",
    "COMMENT ON COLUMN songs.year IS 'NULL: unknown.'",
    "COMMENT ON COLUMN songs.duration IS 'Seconds.'",
    "COMMENT ON COLUMN songs.artist_name IS 'The artist as named on this song, which plays are matched by.'",
    "COMMENT ON TABLE artists IS 'One row per artist of the catalogue.'",
    "COMMENT ON COLUMN artists.artist_id IS 'Primary key.'",
    "COMMENT ON TABLE time IS 'One row per start_time in songplays, with its parts, UTC.'",
    "COMMENT ON COLUMN time.start_time IS 'Primary key.'",
    "COMMENT ON COLUMN time.week IS 'ISO 8601: 1 to 53, from Monday.'",
    "COMMENT ON COLUMN time.weekday IS '0 (Sunday) to 6.'",
    "COMMENT ON TABLE loaded_files IS 'One row per file and load that read it; the latest counts.'",
]
staging_table_queries = [
    staging_events_table_drop, staging_events_table_create, staging_songs_table_drop, staging_songs_table_create,
]  # fmt: skip
copy_table_queries = [staging_events_copy, staging_songs_copy]
copy_new_table_queries = [staging_events_copy_new, staging_songs_copy_new]
dimension_queries = [
    song_change_table_create, artist_change_table_create, user_change_table_create, artist_table_update,
    artist_table_insert, song_table_update, song_table_insert, user_table_update, user_table_insert, time_table_insert,
    user_table_analyze, song_table_analyze, artist_table_analyze,
]  # fmt: skip
insert_table_queries = [*dimension_queries, songplay_table_match, songplay_table_delete, songplay_table_insert]
change_table_drop_queries = [song_change_table_drop, artist_change_table_drop, user_change_table_drop]
analyze_table_queries = [songplay_table_analyze, time_table_analyze]
copy_progress_queries = [stv_load_state_select, sys_load_history_select]
rejected_records_queries = [stl_load_errors_select, sys_load_error_detail_select]
