-- Names of another schema by search_path, MERGE, comments, COMMENT, MINUS.
DROP SCHEMA IF EXISTS dwh CASCADE; CREATE SCHEMA dwh; SET search_path TO dwh;
CREATE TABLE songs (song_id VARCHAR(18) NOT NULL PRIMARY KEY, title VARCHAR(256), year SMALLINT, duration DECIMAL(9,5));
CREATE TABLE new_songs (num_songs INT, artist_id VARCHAR, artist_latitude VARCHAR, artist_longitude VARCHAR, artist_location VARCHAR,
    artist_name VARCHAR, song_id VARCHAR, title VARCHAR, duration VARCHAR, year VARCHAR); /* all text */
COMMENT ON TABLE songs IS 'one row a song';
INSERT INTO songs VALUES ('S1', 'Older title', 1999, 1.5);
COPY new_songs FROM '{song_data}' IAM_ROLE '{arn}' FORMAT AS JSON 'auto';
MERGE INTO songs USING new_songs ON songs.song_id = new_songs.song_id
WHEN MATCHED THEN UPDATE SET title = new_songs.title, duration = new_songs.duration
WHEN NOT MATCHED THEN INSERT (song_id, title, year, duration) VALUES (new_songs.song_id, new_songs.title, NULLIF(new_songs.year, '0'), new_songs.duration);
SELECT song_id, title, year, duration FROM songs MINUS SELECT 'none', 'none', 0, 0 ORDER BY song_id
-- => S1 | One | 1999 | 200.50000 / S2 | Other | NULL | 99.00000
