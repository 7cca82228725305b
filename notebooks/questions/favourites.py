"""What people listen to, and where: songs, artists, locations."""

from notebooks.question import Chart, Question, Rollup

QUESTIONS = (
    # Grain: one row per song (title and artist), the ten most played.
    Question(
        id="songs",
        title="Most played songs",
        note="The ten songs with the most plays.",
        chart=Chart("bars", ("song", "artist"), "plays"),
        sentence="First: {song} by {artist}, {plays} play{plays:s} by {listeners} listener{listeners:s}.",
        rollup=Rollup(order=("-plays", "song", "artist"), limit=10),
        sql="""
-- question: most played songs
SELECT
    song,
    artist,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY song, artist
ORDER BY COUNT(*) DESC, song ASC, artist ASC
LIMIT 10
""",
    ),
    # Grain: one row per artist by the name in the log, the ten most played.
    Question(
        id="artists",
        title="Most played artists",
        note="The ten artists with the most plays.",
        chart=Chart("bars", ("artist",), "plays"),
        sentence=(
            "First: {artist}, {plays} play{plays:s} of {songs} song{songs:s} by {listeners} listener{listeners:s}."
        ),
        rollup=Rollup(order=("-plays", "artist"), limit=10),
        sql="""
-- question: most played artists
SELECT
    artist,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners,
    COUNT(DISTINCT song) AS songs
FROM songplays
GROUP BY artist
ORDER BY COUNT(*) DESC, artist ASC
LIMIT 10
""",
    ),
    # Grain: one row per gender and place, the five most played songs of each gender; users' gender as last seen.
    Question(
        id="songs-by-gender",
        title="Popular songs by user gender",
        note="Five songs for each gender; a user's gender is the latest that the log has.",
        chart=Chart("bars", ("song", "artist"), "plays", series="gender"),
        sentence="Most played by one gender ({gender}): {song} by {artist}, {plays} play{plays:s}.",
        peak="plays",
        rollup=Rollup(order=("gender", "-plays", "song", "artist"), limit=5, per="gender"),
        sql="""
-- question: popular songs by user gender
WITH counted AS (
    SELECT
        sp.song,
        sp.artist,
        COALESCE(u.gender, 'unknown') AS gender,
        COUNT(*) AS plays
    FROM songplays AS sp
    INNER JOIN users AS u ON sp.user_id = u.user_id
    GROUP BY u.gender, sp.song, sp.artist
),

ranked AS (
    SELECT
        c.gender,
        c.song,
        c.artist,
        c.plays,
        ROW_NUMBER() OVER (PARTITION BY c.gender ORDER BY c.plays DESC, c.song ASC, c.artist ASC) AS place
    FROM counted AS c
)

SELECT
    gender,
    place,
    song,
    artist,
    plays
FROM ranked
WHERE place <= 5
ORDER BY gender, place
""",
    ),
    # Grain: one row per location that the log names, the ten with the most plays.
    Question(
        id="locations",
        title="Top locations",
        note="A few heavy listeners can carry a whole region, so mind the listeners.",
        chart=Chart("bars", ("location",), "plays"),
        sentence="First: {location}, with {plays} play{plays:s} by {listeners} listener{listeners:s}.",
        rollup=Rollup(order=("-plays", "location"), limit=10),
        sql="""
-- question: top locations
SELECT
    location,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY location
ORDER BY COUNT(*) DESC, location ASC
LIMIT 10
""",
    ),
)
