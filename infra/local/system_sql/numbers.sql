-- Casts of values from tables cut (AWS: "results of explicit casts of values selected from tables are not rounded").
CREATE OR REPLACE FUNCTION redshift.cut(numeric) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE RETURN trunc($1);
CREATE OR REPLACE FUNCTION redshift.cut(double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN trunc($1);
CREATE OR REPLACE FUNCTION redshift.cut(real) RETURNS real IMMUTABLE STRICT PARALLEL SAFE RETURN trunc($1)::real;
CREATE OR REPLACE FUNCTION redshift.cut(bigint) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.cut(integer) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.cut(smallint) RETURNS smallint IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.cut(boolean) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN $1::integer;
CREATE OR REPLACE FUNCTION redshift.cut(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.cut_scale(numeric, integer) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE RETURN trunc($1, $2);
CREATE OR REPLACE FUNCTION redshift.cut_scale(double precision, integer) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE RETURN trunc($1::text::numeric, $2);
CREATE OR REPLACE FUNCTION redshift.cut_scale(text, integer) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN scale($1::numeric) <= $2 THEN $1::numeric
    ELSE redshift.refuse('The embedded warehouse does not cover a cast of a text to a DECIMAL with fewer digits.')::numeric END;

-- The digits of a quotient follow from the types of its parts: rewrite.py tells the scale where it knows them.
CREATE OR REPLACE FUNCTION redshift.divide(numeric, numeric, integer) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE
RETURN round(div($1 * power(10::numeric, $3), $2) * power(10::numeric, -$3), $3);

-- AVG of integers is an integer, of a DECIMAL a DECIMAL of its scale; ROUND gives the type that it takes.
CREATE OR REPLACE FUNCTION redshift.round(double precision, integer) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE
RETURN round($1::text::numeric, $2)::double precision;
CREATE OR REPLACE FUNCTION redshift.round(double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN abs($1) < 1e15 THEN round($1::text::numeric)::double precision ELSE $1 END;
CREATE OR REPLACE FUNCTION redshift.round(integer, integer) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN round($1::numeric, $2)::integer;
CREATE OR REPLACE FUNCTION redshift.round(bigint, integer) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN round($1::numeric, $2)::bigint;
CREATE OR REPLACE FUNCTION redshift.round(integer) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.round(bigint) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.trunc(double precision, integer) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE
RETURN trunc($1::text::numeric, $2)::double precision;
CREATE OR REPLACE FUNCTION redshift.trunc(bigint) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.trunc(integer) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE OR REPLACE FUNCTION redshift.avg_step(bigint[], bigint) RETURNS bigint[] IMMUTABLE STRICT PARALLEL SAFE RETURN ARRAY[$1[1] + 1, $1[2] + $2];
CREATE OR REPLACE FUNCTION redshift.avg_result(bigint[]) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN $1[2] / nullif($1[1], 0);
CREATE OR REPLACE AGGREGATE redshift.avg(smallint) (SFUNC = int2_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = redshift.avg_result);
CREATE OR REPLACE AGGREGATE redshift.avg(integer) (SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = redshift.avg_result);
CREATE OR REPLACE AGGREGATE redshift.avg(bigint) (SFUNC = redshift.avg_step, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = redshift.avg_result);
CREATE OR REPLACE FUNCTION redshift.avg_step(numeric[], numeric) RETURNS numeric[] IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY[$1[1] + 1, $1[2] + $2, greatest($1[3], scale($2))];
CREATE OR REPLACE FUNCTION redshift.avg_result(numeric[]) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.divide($1[2], nullif($1[1], 0), $1[3]::integer);
CREATE OR REPLACE AGGREGATE redshift.avg(numeric) (SFUNC = redshift.avg_step, STYPE = numeric[], INITCOND = '{0,0,0}', FINALFUNC = redshift.avg_result);

-- These give a DOUBLE PRECISION, whatever they take.
CREATE OR REPLACE FUNCTION redshift.ln(numeric) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN ln($1::double precision);
CREATE OR REPLACE FUNCTION redshift.log(numeric) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN log($1::double precision);
CREATE OR REPLACE FUNCTION redshift.dlog10(double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN log($1);
CREATE OR REPLACE FUNCTION redshift.dlog1(double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN ln($1);
CREATE OR REPLACE FUNCTION redshift.exp(numeric) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN exp($1::double precision);
CREATE OR REPLACE FUNCTION redshift.dexp(double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN exp($1);
CREATE OR REPLACE FUNCTION redshift.sqrt(numeric) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN sqrt($1::double precision);
CREATE OR REPLACE FUNCTION redshift.power(numeric, numeric) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN power($1::double precision, $2::double precision);
CREATE OR REPLACE FUNCTION redshift.pow(double precision, double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN power($1, $2);
CREATE OR REPLACE FUNCTION redshift.pow(numeric, numeric) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE RETURN power($1::double precision, $2::double precision);
CREATE OR REPLACE FUNCTION redshift.strtol(text, integer) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE digits text := lower(ltrim($1)); negative boolean := digits LIKE '-%'; total bigint := 0; digit integer;
BEGIN
    digits := ltrim(digits, '+-');
    IF $2 = 16 AND digits LIKE '0x%' THEN digits := substr(digits, 3); END IF;
    FOR place IN 1 .. length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, place, 1)) - 1;
        IF digit < 0 OR digit >= $2 THEN
            PERFORM redshift.fail(format('The input %s is not valid to be converted to base %s', $1, $2));
        END IF;
        total := total * $2 + digit;
    END LOOP;
    RETURN CASE WHEN negative THEN -total ELSE total END;
END $$;

-- MEDIAN, the percentiles, and LAG and its like with IGNORE NULLS look at a list of values, of a group or of a window.
-- array_append is a quick step of an aggregate; any other function would copy the list each time.
CREATE OR REPLACE FUNCTION redshift.present_of(anycompatiblearray) RETURNS anycompatiblearray IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT array_remove($1, NULL) $$;
CREATE OR REPLACE AGGREGATE redshift.present(anycompatible) (SFUNC = array_append, STYPE = anycompatiblearray, INITCOND = '{}', FINALFUNC = redshift.present_of);
CREATE OR REPLACE FUNCTION redshift.sorted_of(anycompatiblearray) RETURNS anycompatiblearray IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql
AS $$ SELECT ARRAY(SELECT v FROM unnest($1) AS u (v) WHERE v IS NOT NULL ORDER BY v) $$;
CREATE OR REPLACE AGGREGATE redshift.sorted(anycompatible) (SFUNC = array_append, STYPE = anycompatiblearray, INITCOND = '{}', FINALFUNC = redshift.sorted_of);
CREATE OR REPLACE FUNCTION redshift.cont_at(anyarray, double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
SELECT low + (high - low) * (place - floor(place)) FROM (SELECT $2 * (cardinality($1) - 1)) AS p (place),
    LATERAL (SELECT $1[floor(place)::integer + 1]::double precision, $1[ceil(place)::integer + 1]::double precision) AS v (low, high) $$;
CREATE OR REPLACE FUNCTION redshift.disc_at(anyarray, double precision, descending boolean) RETURNS anyelement IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql
AS $$ SELECT $1[CASE WHEN descending THEN cardinality($1) + 1 - place ELSE place END] FROM (SELECT greatest(ceil($2 * cardinality($1))::integer, 1)) AS p (place) $$;
CREATE OR REPLACE FUNCTION redshift.array_at(anyarray, bigint) RETURNS anyelement IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1[$2::integer] $$;
CREATE OR REPLACE FUNCTION redshift.first_step(anyelement, anyelement) RETURNS anyelement IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 $$;
CREATE OR REPLACE FUNCTION redshift.last_step(anyelement, anyelement) RETURNS anyelement IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $2 $$;
CREATE OR REPLACE AGGREGATE redshift.first_present(anyelement) (SFUNC = redshift.first_step, STYPE = anyelement);
CREATE OR REPLACE AGGREGATE redshift.last_present(anyelement) (SFUNC = redshift.last_step, STYPE = anyelement);

-- Of an integer these are integers; STDDEV and VARIANCE are DOUBLE PRECISION whatever they take.
DO $$
DECLARE kind text; name text; result text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint'] LOOP
        FOREACH name IN ARRAY ARRAY['ceil', 'ceiling', 'floor'] LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%1$s(%2$s) RETURNS %2$s IMMUTABLE STRICT PARALLEL SAFE RETURN $1', name, kind);
        END LOOP;
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.and_step(boolean, %s) RETURNS boolean IMMUTABLE PARALLEL SAFE RETURN CASE WHEN $2 IS NULL THEN $1 ELSE coalesce($1, true) AND $2 <> 0 END', kind);
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.or_step(boolean, %s) RETURNS boolean IMMUTABLE PARALLEL SAFE RETURN CASE WHEN $2 IS NULL THEN $1 ELSE coalesce($1, false) OR $2 <> 0 END', kind);
        EXECUTE format('CREATE OR REPLACE AGGREGATE redshift.bool_and(%s) (SFUNC = redshift.and_step, STYPE = boolean)', kind);
        EXECUTE format('CREATE OR REPLACE AGGREGATE redshift.bool_or(%s) (SFUNC = redshift.or_step, STYPE = boolean)', kind);
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.sign(%1$s) RETURNS %1$s IMMUTABLE STRICT PARALLEL SAFE RETURN sign($1::numeric)::%1$s', kind);
    END LOOP;
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.spread_step(double precision[], %1$s) RETURNS double precision[] IMMUTABLE STRICT PARALLEL SAFE RETURN float8_accum($1, $2::double precision)', kind);
        FOREACH name IN ARRAY ARRAY['stddev', 'stddev_samp', 'stddev_pop', 'variance', 'var_samp', 'var_pop'] LOOP
            result := CASE name WHEN 'stddev' THEN 'stddev_samp' WHEN 'variance' THEN 'var_samp' ELSE name END;
            EXECUTE format('CREATE OR REPLACE AGGREGATE redshift.%1$s(%2$s) (SFUNC = redshift.spread_step, STYPE = double precision[], INITCOND = ''{0,0,0}'', FINALFUNC = float8_%3$s)', name, kind, result);
        END LOOP;
    END LOOP;
END $$;

-- Teradata's numbers: a sign may stand at the end, a blank is 0; a half is rounded to the even digit.
CREATE OR REPLACE FUNCTION redshift.teradata(text) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN trim($1) = '' THEN 0 ELSE regexp_replace(trim($1), '^(.*)([+-])$', '\2\1')::numeric END;
CREATE OR REPLACE FUNCTION redshift.text_to_int_alt(text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN trunc(redshift.teradata($1))::integer;
CREATE OR REPLACE FUNCTION redshift.text_to_numeric_alt(text, integer DEFAULT 38, integer DEFAULT 0) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN abs(mod(redshift.teradata($1) * power(10::numeric, $3), 1)) = 0.5
    THEN round(2 * round(redshift.teradata($1) * power(10::numeric, $3) / 2) / power(10::numeric, $3), $3) ELSE round(redshift.teradata($1), $3) END;

CREATE OR REPLACE FUNCTION redshift.cot(double precision) RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $1 <> 0 THEN pg_catalog.cot($1) ELSE redshift.fail('The input of COT must not be zero')::double precision END;
