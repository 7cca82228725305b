-- Reports as students write them: shares, hours, TOP, LISTAGG, a view, HAVING, a percentage.
DROP TABLE IF EXISTS p CASCADE;
CREATE TABLE p (artist VARCHAR, auth VARCHAR, firstname VARCHAR, gender VARCHAR, iteminsession INT, lastname VARCHAR, length FLOAT, level VARCHAR,
    location VARCHAR, method VARCHAR, page VARCHAR, registration FLOAT, sessionid INT, song VARCHAR, status INT, ts BIGINT, useragent VARCHAR, userid INT);
COPY p FROM '{log_data}' IAM_ROLE '{arn}' JSON '{jsonpath}' REGION 'us-west-2' COMPUPDATE OFF;
CREATE OR REPLACE VIEW plays AS
SELECT DATEADD(s, ts/1000, '1970-01-01'::timestamp) AS started, userid, level, song, location FROM public.p WHERE page = 'NextSong' WITH NO SCHEMA BINDING;
SELECT TOP 1 level, COUNT(*) AS n, ROUND(100.0 * COUNT(*) / (SELECT COUNT(*) FROM plays), 1) AS share,
    LISTAGG(DISTINCT song, ', ') WITHIN GROUP (ORDER BY song) AS songs, SPLIT_PART(MAX(location), ', ', 2) AS state,
    AVG(EXTRACT(hour FROM started)) AS typical_hour, DATEDIFF(minute, MIN(started), MAX(started)) AS minutes
FROM plays GROUP BY level HAVING COUNT(*) > 1 ORDER BY n DESC, level
-- => paid | 2 | 100.0 | One, Two | AZ | 21 | 4
