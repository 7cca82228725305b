-- A column alias used later in the list, DATE_PART of unquoted units, no column list, md5 of a number and a time.
DROP TABLE IF EXISTS staging_events;
DROP TABLE IF EXISTS "Time";
DROP TABLE IF EXISTS plays;
CREATE TABLE IF NOT EXISTS staging_events ("artist" varchar, "auth" varchar, "firstName" varchar, "gender" varchar, "itemInSession" integer,
    "lastName" varchar, "length" double precision, "level" varchar, "location" varchar, "method" varchar, "page" varchar, "registration" decimal,
    "sessionId" integer, "song" varchar, "status" integer, "ts" bigint, "userAgent" varchar(512), "userId" integer);
CREATE TABLE IF NOT EXISTS "Time" (start_time timestamp NOT NULL SORTKEY, hour float, day float, week float, month float, year float, weekday float);
CREATE TABLE plays (playid varchar(32) NOT NULL, start_time timestamp, userid int, CONSTRAINT plays_pkey PRIMARY KEY (playid));
COPY staging_events FROM '{log_data}' IAM_ROLE '{arn}' REGION 'us-west-2' FORMAT AS JSON '{jsonpath}';
INSERT INTO time
SELECT timestamp 'epoch' + ts/1000*interval '1 second' AS start_time, DATE_PART(HOUR, start_time) AS hour, DATE_PART(DAY, start_time) AS day,
    DATE_PART(WEEK, start_time) AS week, DATE_PART(MONTH, start_time) AS month, DATE_PART(YEAR, start_time) AS year,
    DATE_PART(WEEKDAY, start_time) AS weekday
FROM staging_events;
INSERT INTO plays
SELECT md5(events.sessionid || events.start_time) playid, events.start_time, events.userid
FROM (SELECT TIMESTAMP 'epoch' + ts/1000 * interval '1 second' AS start_time, * FROM staging_events WHERE page='NextSong') events;
SELECT COUNT(*), MAX(hour), MAX(weekday), (SELECT COUNT(DISTINCT playid) FROM plays), (SELECT MAX(LEN(playid)) FROM plays) FROM time
-- => 3 | 21 | 4 | 2 | 32
