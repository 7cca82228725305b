-- An alias used again, abbreviations of EXTRACT, subqueries without a name, an IDENTITY without numbers.
DROP TABLE IF EXISTS staging_events; DROP TABLE IF EXISTS staging_songs; DROP TABLE IF EXISTS songplays; DROP TABLE IF EXISTS time;
CREATE TABLE staging_events (artist VARCHAR, auth VARCHAR, firstName VARCHAR, gender CHAR(1), itemInSession INT, lastName VARCHAR,
    length NUMERIC(12,5), level VARCHAR, location VARCHAR, method VARCHAR, page VARCHAR, registration BIGINT, sessionId INT,
    song VARCHAR, status INT, ts BIGINT SORTKEY, userAgent VARCHAR, userId INT);
CREATE TABLE staging_songs (num_songs INT, artist_id VARCHAR, artist_latitude FLOAT, artist_longitude FLOAT,
    artist_location VARCHAR, artist_name VARCHAR, song_id VARCHAR, title VARCHAR, duration NUMERIC(12,5), year INT);
CREATE TABLE songplays (songplay_id INT IDENTITY PRIMARY KEY, start_time TIMESTAMP NOT NULL, user_id INT, level VARCHAR,
    song_id VARCHAR, artist_id VARCHAR, session_id INT, location VARCHAR, user_agent VARCHAR);
CREATE TABLE time (start_time TIMESTAMP PRIMARY KEY, hour INT, day INT, week INT, month INT, year INT, weekday INT) DISTSTYLE ALL;
copy staging_events from '{log_data}' credentials 'aws_iam_role={arn}' region 'us-west-2' json '{jsonpath}' compupdate off statupdate off;
copy staging_songs from '{song_data}' credentials 'aws_iam_role={arn}' region 'us-west-2' json 'auto' truncatecolumns;
INSERT INTO songplays (start_time, user_id, level, song_id, artist_id, session_id, location, user_agent)
SELECT DISTINCT TIMESTAMP 'epoch' + ts/1000 *INTERVAL '1 Second ' as start_time, e.userId, e.level, s.song_id, s.artist_id,
    e.sessionId, e.location, e.userAgent
FROM staging_events e, staging_songs s
WHERE e.page = 'NextSong' AND e.song = s.title AND e.artist = s.artist_name AND e.length = s.duration
    AND e.userId NOT IN (SELECT DISTINCT(p.user_id) FROM songplays p WHERE p.user_id = e.userId AND p.session_id = e.sessionId);
INSERT INTO time (start_time, hour, day, week, month, year, weekday)
SELECT start_time, EXTRACT(hr from start_time) AS hour, EXTRACT(d from start_time) AS day, EXTRACT(w from start_time) AS week,
    EXTRACT(mon from start_time) AS month, EXTRACT(yr from start_time) AS year, EXTRACT(weekday from start_time) AS weekday
FROM (SELECT DISTINCT TIMESTAMP 'epoch' + ts/1000 *INTERVAL '1 second' as start_time FROM staging_events s)
WHERE start_time NOT IN (SELECT DISTINCT start_time FROM time);;
SELECT COUNT(*), MIN(song_id), (SELECT COUNT(*) FROM time), (SELECT MAX(hour) FROM time) FROM songplays
-- => 1 | S1 | 3 | 21
