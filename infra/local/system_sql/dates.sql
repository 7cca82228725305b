-- A point in time of any type, without its zone (a session's is UTC). Units come in one spelling: see supported.UNITS.
CREATE OR REPLACE FUNCTION redshift.moment(timestamp) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.moment(timestamptz) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE RETURN $1 AT TIME ZONE 'UTC';
CREATE OR REPLACE FUNCTION redshift.moment(date) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE RETURN $1::timestamp;
CREATE OR REPLACE FUNCTION redshift.moment(text) RETURNS timestamp STABLE STRICT PARALLEL SAFE RETURN $1::timestamp;
CREATE OR REPLACE FUNCTION redshift.moment(time) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE RETURN date '1970-01-01' + $1;
CREATE OR REPLACE FUNCTION redshift.moment(timetz) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE
RETURN date '1970-01-01' + ($1 AT TIME ZONE 'UTC')::time;

-- EXTRACT gives a whole number of that part alone: an integer, of a TIMESTAMPTZ a DOUBLE PRECISION. The decade of the
-- year 1 is the first. DATE_PART's microseconds are those of the second.
DO $$
DECLARE kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['timestamp', 'date', 'time', 'timetz', 'interval', 'timestamptz'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.extracted(unit text, %1$s) RETURNS %2$s %3$s PARALLEL SAFE RETURN CASE
            WHEN unit = ''decade'' THEN date_part(unit, $2) + 1 WHEN unit = ''second'' THEN floor(date_part(unit, $2))
            WHEN unit IN (''millisecond'', ''microsecond'') THEN mod(floor(date_part(unit, $2))::bigint, 1000) ELSE date_part(unit, $2) END',
            kind, CASE kind WHEN 'timestamptz' THEN 'double precision' ELSE 'integer' END, CASE kind WHEN 'timestamptz' THEN 'STABLE' ELSE 'IMMUTABLE' END);
    END LOOP;
END $$;
CREATE OR REPLACE FUNCTION redshift.part_of(unit text, timestamp) RETURNS double precision IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN unit = 'decade' THEN date_part(unit, $2) + 1 WHEN unit = 'microsecond' THEN mod(date_part(unit, $2)::bigint, 1000000)
    ELSE date_part(unit, $2) END;
CREATE OR REPLACE FUNCTION redshift.getdate() RETURNS timestamp STABLE PARALLEL SAFE
RETURN date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC');
CREATE OR REPLACE FUNCTION redshift.sysdate() RETURNS timestamp STABLE PARALLEL SAFE RETURN transaction_timestamp() AT TIME ZONE 'UTC';
CREATE OR REPLACE FUNCTION redshift.trunc(timestamp) RETURNS date IMMUTABLE STRICT PARALLEL SAFE RETURN $1::date;
CREATE OR REPLACE FUNCTION redshift.trunc(date) RETURNS date IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.trunc(timestamptz) RETURNS date IMMUTABLE STRICT PARALLEL SAFE RETURN ($1 AT TIME ZONE 'UTC')::date;
CREATE OR REPLACE FUNCTION redshift.date_trunc(text, date) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.date_trunc($1, $2::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_trunc(text, text) RETURNS timestamp STABLE STRICT PARALLEL SAFE
RETURN pg_catalog.date_trunc($1, $2::timestamp);

-- A year after 29 February is 1 March; twelve months after it is 28 February.
CREATE OR REPLACE FUNCTION redshift.date_add(unit text, number bigint, start timestamp) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN unit IN ('year', 'decade', 'century', 'millennium') THEN
        (date_trunc('month', start) + make_interval(years => number::integer
            * CASE unit WHEN 'year' THEN 1 WHEN 'decade' THEN 10 WHEN 'century' THEN 100 ELSE 1000 END))
        + (start - date_trunc('month', start))
    WHEN unit = 'quarter' THEN start + make_interval(months => number::integer * 3)
    WHEN unit = 'month' THEN start + make_interval(months => number::integer)
    ELSE start + number * CASE unit WHEN 'week' THEN interval '7 days' WHEN 'day' THEN interval '1 day'
        WHEN 'hour' THEN interval '1 hour' WHEN 'minute' THEN interval '1 minute' WHEN 'second' THEN interval '1 second'
        WHEN 'millisecond' THEN interval '1 millisecond' ELSE interval '1 microsecond' END
END;
CREATE OR REPLACE FUNCTION redshift.date_add(text, bigint, date) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.date_add($1, $2, $3::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_add(text, bigint, text) RETURNS timestamp STABLE STRICT PARALLEL SAFE
RETURN redshift.date_add($1, $2, $3::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_add(text, bigint, timestamptz) RETURNS timestamptz IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.date_add($1, $2, $3 AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
CREATE OR REPLACE FUNCTION redshift.date_add(text, bigint, time) RETURNS time IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.date_add($1, $2, redshift.moment($3))::time;

CREATE OR REPLACE FUNCTION redshift.date_add(text, bigint, timetz) RETURNS timetz IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.date_add($1, $2, redshift.moment($3))::time::text::timetz;

-- The boundaries that lie between two points in time. Whether a week begins on Sunday or Monday here is not documented.
CREATE OR REPLACE FUNCTION redshift.date_diff(unit text, start timestamp, finish timestamp) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN unit IN ('millennium', 'century', 'decade', 'year') THEN extract(year FROM date_trunc(unit, finish))::bigint
        / CASE unit WHEN 'year' THEN 1 WHEN 'decade' THEN 10 WHEN 'century' THEN 100 ELSE 1000 END
        - extract(year FROM date_trunc(unit, start))::bigint
        / CASE unit WHEN 'year' THEN 1 WHEN 'decade' THEN 10 WHEN 'century' THEN 100 ELSE 1000 END
    WHEN unit = 'quarter' THEN (extract(year FROM finish) - extract(year FROM start))::bigint * 4
        + (extract(quarter FROM finish) - extract(quarter FROM start))::bigint
    WHEN unit = 'month' THEN (extract(year FROM finish) - extract(year FROM start))::bigint * 12
        + (extract(month FROM finish) - extract(month FROM start))::bigint
    WHEN unit = 'week' THEN CASE
        WHEN date_trunc('week', finish) - date_trunc('week', start)
            = date_trunc('week', finish + interval '1 day') - date_trunc('week', start + interval '1 day')
        THEN (extract(epoch FROM date_trunc('week', finish) - date_trunc('week', start)) / 604800)::bigint
        ELSE redshift.refuse('The embedded warehouse does not cover DATEDIFF(week) where a Sunday lies at an end: use days.')::bigint END
    ELSE div(extract(epoch FROM date_trunc(unit, finish)) * 1000000 - extract(epoch FROM date_trunc(unit, start)) * 1000000,
        CASE unit WHEN 'day' THEN 86400000000 WHEN 'hour' THEN 3600000000 WHEN 'minute' THEN 60000000 WHEN 'second' THEN 1000000
        WHEN 'millisecond' THEN 1000 ELSE 1 END)::bigint
END;

CREATE OR REPLACE FUNCTION redshift.last_day(timestamp) RETURNS date IMMUTABLE STRICT PARALLEL SAFE
RETURN (date_trunc('month', $1) + interval '1 month' - interval '1 day')::date;
CREATE OR REPLACE FUNCTION redshift.add_months(timestamp, bigint) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $1::date = redshift.last_day($1)
    THEN redshift.last_day($1 + make_interval(months => $2::integer)) + $1::time
    ELSE $1 + make_interval(months => $2::integer) END;
CREATE OR REPLACE FUNCTION redshift.months_between(timestamp, timestamp) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.date_diff('month', $2, $1) + CASE
    WHEN extract(day FROM $1) = extract(day FROM $2) OR $1::date = redshift.last_day($1) AND $2::date = redshift.last_day($2) THEN 0
    ELSE ((extract(epoch FROM $1 - date_trunc('month', $1)) - extract(epoch FROM $2 - date_trunc('month', $2))) / 2678400) END;
CREATE OR REPLACE FUNCTION redshift.next_day(timestamp, text) RETURNS date IMMUTABLE STRICT PARALLEL SAFE
RETURN $1::date + 1 + ((CASE left(lower($2), 2) WHEN 'su' THEN 0 WHEN 'mo' THEN 1 WHEN 'tu' THEN 2 WHEN 'we' THEN 3 WHEN 'th' THEN 4
    WHEN 'fr' THEN 5 WHEN 'sa' THEN 6 ELSE redshift.fail('invalid day of the week: ' || $2)::integer END
    - extract(dow FROM $1)::integer + 6) % 7);
CREATE OR REPLACE FUNCTION redshift.date_part_year(timestamp) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN extract(year FROM $1)::integer;
-- An offset after a name alone counts, and has POSIX's sign: west of Greenwich is positive.
CREATE OR REPLACE FUNCTION redshift.zone(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $1 ~ '[+-][0-9:]+ *$' THEN '<x>' || substring($1, '[+-][0-9:]+') ELSE $1 END;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(text, text, timestamp) RETURNS timestamp STABLE STRICT PARALLEL SAFE
RETURN ($3 AT TIME ZONE redshift.zone($1)) AT TIME ZONE redshift.zone($2);
CREATE OR REPLACE FUNCTION redshift.convert_timezone(text, timestamp) RETURNS timestamp STABLE STRICT PARALLEL SAFE
RETURN redshift.convert_timezone('UTC', $1, $2);
CREATE OR REPLACE FUNCTION redshift.compare(timestamp, timestamp) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN timestamp_cmp($1, $2);
-- A field out of its range is carried into the next one (31 June is 1 July) unless the third argument is true.
CREATE OR REPLACE FUNCTION redshift.read_moment(source text, format text, strict_ boolean) RETURNS timestamptz STABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE rest text := source; part text; digits text; y integer := 1; m integer := 1; d integer := 1; clock integer[] := '{0,0,0}';
BEGIN
    RETURN CASE source WHEN '' THEN '0001-01-01 00:00:00+00' ELSE pg_catalog.to_timestamp(source, format) END;
EXCEPTION WHEN datetime_field_overflow THEN
    IF strict_ THEN RAISE; END IF;
    FOR part IN SELECT piece[1] FROM regexp_matches(upper(format), 'YYYY|MM|DD|HH24|MI|SS|.', 'g') AS piece LOOP
        IF part ~ '^[A-Z]$' THEN PERFORM redshift.refuse('The embedded warehouse does not cover a date out of its range in the format ' || format); END IF;
        digits := CASE WHEN length(part) = 1 THEN left(rest, 1) ELSE substring(rest, '^[0-9]{1,' || CASE part WHEN 'YYYY' THEN 4 ELSE 2 END || '}') END;
        rest := substr(rest, length(digits) + 1);
        CASE part WHEN 'YYYY' THEN y := digits; WHEN 'MM' THEN m := digits; WHEN 'DD' THEN d := digits; WHEN 'HH24' THEN clock[1] := digits;
            WHEN 'MI' THEN clock[2] := digits; WHEN 'SS' THEN clock[3] := digits; ELSE NULL; END CASE;
    END LOOP;
    RETURN (make_date(y, 1, 1) + make_interval(months => m - 1)) + make_interval(days => d - 1, hours => clock[1], mins => clock[2], secs => clock[3]);
END $$;
CREATE OR REPLACE FUNCTION redshift.to_date(text, text, boolean) RETURNS date STABLE STRICT PARALLEL SAFE RETURN redshift.read_moment($1, $2, $3)::date;
CREATE OR REPLACE FUNCTION redshift.to_date(text, text) RETURNS date STABLE STRICT PARALLEL SAFE RETURN redshift.read_moment($1, $2, false)::date;
CREATE OR REPLACE FUNCTION redshift.to_date(timestamp, text) RETURNS date STABLE STRICT PARALLEL SAFE RETURN redshift.to_date($1::text, $2);
CREATE OR REPLACE FUNCTION redshift.to_timestamp(text, text, boolean) RETURNS timestamptz STABLE STRICT PARALLEL SAFE RETURN redshift.read_moment($1, $2, $3);
CREATE OR REPLACE FUNCTION redshift.to_timestamp(text, text) RETURNS timestamptz STABLE STRICT PARALLEL SAFE RETURN redshift.read_moment($1, $2, false);
CREATE OR REPLACE FUNCTION redshift.to_timestamp(timestamp, text) RETURNS timestamptz STABLE STRICT PARALLEL SAFE RETURN redshift.to_timestamp($1::text, $2);
CREATE OR REPLACE FUNCTION redshift.interval_cmp(interval, interval) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN pg_catalog.interval_cmp($1, $2);
