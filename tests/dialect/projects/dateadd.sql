-- Times by DATEADD, a nested join, DECODE and CASE, a report by QUALIFY and one by ROLLUP.
DROP TABLE IF EXISTS e; DROP TABLE IF EXISTS s;
CREATE TABLE e (artist VARCHAR, auth VARCHAR, firstname VARCHAR, gender VARCHAR, iteminsession INT, lastname VARCHAR, length FLOAT, level VARCHAR,
    location VARCHAR, method VARCHAR, page VARCHAR, registration FLOAT, sessionid INT, song VARCHAR, status INT, ts BIGINT, useragent VARCHAR, userid INT);
CREATE TABLE s (num_songs INT, artist_id VARCHAR, artist_latitude FLOAT, artist_longitude FLOAT, artist_location VARCHAR, artist_name VARCHAR,
    song_id VARCHAR, title VARCHAR, duration FLOAT, year INT);
COPY e FROM '{log_data}' IAM_ROLE '{arn}' JSON '{jsonpath}';
COPY s FROM '{song_data}' IAM_ROLE '{arn}' JSON 'auto' IGNOREHEADER 0;
CREATE TABLE facts SORTKEY (start_time) AS
SELECT DATEADD(ms, e.ts % 1000, DATEADD(second, e.ts / 1000, '1970-01-01')) AS start_time, e.userid, s.song_id, s.year
FROM e LEFT JOIN (s JOIN (SELECT MAX(year) AS newest FROM s) AS y ON s.year <= y.newest) ON e.song = s.title AND e.artist = s.artist_name
WHERE e.page = 'NextSong';
DELETE facts WHERE userid IS NULL;
SELECT DECODE(song_id, NULL, 'unknown', 'known') AS found, COUNT(*), MAX(DATE_TRUNC('minute', start_time))
FROM facts GROUP BY ROLLUP (found) ORDER BY found
-- => known | 1 | 2018-11-01 21:01:00 / unknown | 1 | 2018-11-01 21:05:00 / NULL | 2 | 2018-11-01 21:05:00
