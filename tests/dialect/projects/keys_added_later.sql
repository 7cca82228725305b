-- Everything staged as text, times by arithmetic with it, DATETIME, keys that are added when all tables are there, AWS keys in COPY.
DROP TABLE IF EXISTS plays; DROP TABLE IF EXISTS listeners; DROP TABLE IF EXISTS raw_events;
CREATE TABLE raw_events (artist VARCHAR, auth VARCHAR, firstname VARCHAR, gender VARCHAR, iteminsession VARCHAR, lastname VARCHAR, length VARCHAR,
    level VARCHAR, location VARCHAR, method VARCHAR, page VARCHAR, registration VARCHAR, sessionid INTEGER, song VARCHAR, status VARCHAR, ts VARCHAR,
    useragent VARCHAR(512), userid VARCHAR);
CREATE TABLE plays (play_id BIGINT IDENTITY(0,1), start_time DATETIME NOT NULL SORTKEY, listener_id INTEGER, minutes FLOAT);
CREATE TABLE listeners (listener_id INTEGER NOT NULL, name VARCHAR(100), PRIMARY KEY (listener_id)) DISTSTYLE ALL;
ALTER TABLE plays ADD CONSTRAINT plays_listener FOREIGN KEY (listener_id) REFERENCES listeners (listener_id);
COPY raw_events FROM '{log_data}' CREDENTIALS 'aws_access_key_id=AKIAEXAMPLE;aws_secret_access_key=example' REGION 'us-west-2' JSON '{jsonpath}';
INSERT INTO listeners SELECT DISTINCT userid::INTEGER, firstname || ' ' || lastname FROM raw_events WHERE LENGTH(sessionid) = 3 AND userid <> '';
INSERT INTO plays (start_time, listener_id, minutes)
SELECT TIMESTAMP 'epoch' + ts / 1000 * INTERVAL '1 second', userid, length / 60 FROM raw_events WHERE page = 'NextSong';
SELECT MIN(start_time), ROUND(SUM(minutes), 2), COUNT(DISTINCT name) FROM plays JOIN listeners USING (listener_id)
-- => 2018-11-01 21:01:46.796000 | 5.01 | 1
