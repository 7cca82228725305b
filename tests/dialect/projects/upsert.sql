-- A temporary table like another, DELETE USING, ALTER TABLE, a transaction of its own.
DROP TABLE IF EXISTS staging_events; DROP TABLE IF EXISTS users;
CREATE TABLE staging_events (artist TEXT, auth TEXT, first_name TEXT, gender TEXT, item_in_session INT4, last_name TEXT, length FLOAT8,
    level TEXT, location TEXT, method TEXT, page TEXT, registration FLOAT8, session_id INT8, song TEXT, status INT2, ts TIMESTAMP,
    user_agent TEXT, user_id VARCHAR);
COPY staging_events FROM '{log_data}' CREDENTIALS 'aws_iam_role={arn}' FORMAT AS JSON '{jsonpath}' TIMEFORMAT AS 'epochmillisecs' REGION 'us-west-2';
CREATE TABLE users (user_id INT NOT NULL, first_name VARCHAR(50), last_name VARCHAR(50), gender CHAR(1), level VARCHAR(10), PRIMARY KEY (user_id)) DISTSTYLE ALL SORTKEY (user_id);
INSERT INTO users VALUES (8, 'Old', 'Name', 'M', 'free');
BEGIN TRANSACTION;
CREATE TEMP TABLE users_stage (LIKE users);
INSERT INTO users_stage (user_id, first_name, last_name, gender, level)
SELECT user_id::INTEGER, first_name, last_name, gender, level FROM
    (SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY ts DESC) AS newest FROM staging_events WHERE user_id <> '' AND page = 'NextSong')
WHERE newest = 1;
DELETE FROM users USING users_stage WHERE users.user_id = users_stage.user_id;
INSERT INTO users SELECT * FROM users_stage;
END TRANSACTION;
ALTER TABLE users ADD COLUMN country VARCHAR(20) DEFAULT 'US';
DROP TABLE users_stage;
SELECT COUNT(*), MAX(first_name), MAX(level), MAX(country) FROM users
-- => 1 | Kaylee | paid | US
