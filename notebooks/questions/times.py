"""When people listen: by day, week, day of the week and hour."""

from notebooks.question import Chart, Question, Rollup

QUESTIONS = (
    # Grain: one row per day (UTC) and level that has plays; the level is the user's at the time of the play.
    Question(
        id="plays-by-day",
        title="Free against paid by day",
        note="A play counts for the level that the user has at that time.",
        chart=Chart("lines", ("day",), "plays", series="level"),
        sentence="Most in one day: {plays} play{plays:s} by {listeners} {level} user{listeners:s} on {day}.",
        peak="plays",
        rollup=Rollup(order=("day", "level")),
        sql="""
-- question: free against paid by day
SELECT
    CAST(start_time AS DATE) AS day,
    COALESCE(level, 'unknown') AS level,
    COUNT(*) AS plays,
    COUNT(DISTINCT user_id) AS listeners
FROM songplays
GROUP BY CAST(start_time AS DATE), level
ORDER BY CAST(start_time AS DATE), level
""",
    ),
    # Grain: one row per ISO week that has plays; week_start is its Monday.
    Question(
        id="active-users",
        title="Active users per week",
        note="An active user plays a song. Weeks begin on Monday; the first and the last may be incomplete.",
        chart=Chart("columns", ("week_start",), "active_users"),
        sentence="Most: {active_users} user{active_users:s} in the week from {week_start}, with {plays} play{plays:s}.",
        peak="active_users",
        rollup=Rollup(order=("week_start",)),
        sql="""
-- question: active users per week
SELECT
    CAST(DATE_TRUNC('week', t.start_time) AS DATE) AS week_start,
    t.week,
    COUNT(DISTINCT sp.user_id) AS active_users,
    COUNT(*) AS plays
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY DATE_TRUNC('week', t.start_time), t.week
ORDER BY DATE_TRUNC('week', t.start_time)
""",
    ),
    # Grain: one row per day of the week that has plays, 0 (Sunday) to 6.
    Question(
        id="weekdays",
        title="Activity by day of the week",
        note="A month has five of some days and four of others, so the chart compares the average day.",
        chart=Chart("columns", ("day_name",), "plays_per_day"),
        categories=("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
        sentence="Busiest: {day_name}, with {plays_per_day} play{plays_per_day:s} on average.",
        peak="plays_per_day",
        rollup=Rollup(order=("weekday",)),
        sql="""
-- question: activity by day of the week
SELECT
    t.weekday,
    CASE t.weekday
        WHEN 0 THEN 'Sunday'
        WHEN 1 THEN 'Monday'
        WHEN 2 THEN 'Tuesday'
        WHEN 3 THEN 'Wednesday'
        WHEN 4 THEN 'Thursday'
        WHEN 5 THEN 'Friday'
        WHEN 6 THEN 'Saturday'
    END AS day_name,
    COUNT(*) AS plays,
    COUNT(DISTINCT sp.user_id) AS listeners,
    COUNT(DISTINCT DATE_TRUNC('day', t.start_time)) AS days,
    ROUND(CAST(COUNT(*) AS DOUBLE PRECISION) / COUNT(DISTINCT DATE_TRUNC('day', t.start_time)), 1) AS plays_per_day
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY t.weekday
ORDER BY t.weekday
""",
    ),
    # Grain: one row per hour of the day (UTC) that has plays.
    Question(
        id="hours",
        title="Plays by hour of day",
        note="The hours are UTC; in the USA it is 5 to 8 hours earlier.",
        chart=Chart("columns", ("hour",), "plays"),
        categories=tuple(str(hour) for hour in range(24)),
        sentence=(
            "Busiest: the hour from {hour}:00 UTC, with {plays} play{plays:s} by {listeners} listener{listeners:s}."
        ),
        peak="plays",
        rollup=Rollup(order=("hour",)),
        sql="""
-- question: plays by hour of day
SELECT
    t.hour,
    COUNT(*) AS plays,
    COUNT(DISTINCT sp.user_id) AS listeners
FROM songplays AS sp
INNER JOIN time AS t ON sp.start_time = t.start_time
GROUP BY t.hour
ORDER BY t.hour
""",
    ),
)
