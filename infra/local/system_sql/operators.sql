-- VARCHAR: blanks at the end do not count when texts are compared, as for CHAR, whose own comparisons PostgreSQL has.
-- They become those of text: the operators by name, DISTINCT, GROUP BY, UNION and joins by the default operator class.
CREATE FUNCTION redshift.text_eq(text, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpchareq';
CREATE FUNCTION redshift.text_ne(text, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpcharne';
CREATE FUNCTION redshift.text_lt(text, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpcharlt';
CREATE FUNCTION redshift.text_le(text, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpcharle';
CREATE FUNCTION redshift.text_gt(text, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpchargt';
CREATE FUNCTION redshift.text_ge(text, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpcharge';
CREATE FUNCTION redshift.text_cmp(text, text) RETURNS integer LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpcharcmp';
CREATE FUNCTION redshift.text_sort(internal) RETURNS void LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'bpchar_sortsupport';
CREATE FUNCTION redshift.text_hash(text) RETURNS integer LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'hashbpchar';
CREATE FUNCTION redshift.text_hash(text, bigint) RETURNS bigint LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'hashbpcharextended';
CREATE OPERATOR redshift.= (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.text_eq, COMMUTATOR = OPERATOR(redshift.=), NEGATOR = OPERATOR(redshift.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR redshift.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.text_ne, COMMUTATOR = OPERATOR(redshift.<>), NEGATOR = OPERATOR(redshift.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR redshift.< (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.text_lt, COMMUTATOR = OPERATOR(redshift.>), NEGATOR = OPERATOR(redshift.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR redshift.<= (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.text_le, COMMUTATOR = OPERATOR(redshift.>=), NEGATOR = OPERATOR(redshift.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR redshift.> (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.text_gt, COMMUTATOR = OPERATOR(redshift.<), NEGATOR = OPERATOR(redshift.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR redshift.>= (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.text_ge, COMMUTATOR = OPERATOR(redshift.<=), NEGATOR = OPERATOR(redshift.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
UPDATE pg_opclass SET opcdefault = false WHERE opcname = 'text_ops' AND opcnamespace = 'pg_catalog'::regnamespace;
CREATE OPERATOR CLASS redshift.text_ops DEFAULT FOR TYPE text USING btree AS
    OPERATOR 1 redshift.<, OPERATOR 2 redshift.<=, OPERATOR 3 redshift.=, OPERATOR 4 redshift.>=, OPERATOR 5 redshift.>,
    FUNCTION 1 redshift.text_cmp(text, text), FUNCTION 2 redshift.text_sort(internal);
CREATE OPERATOR CLASS redshift.text_hash_ops DEFAULT FOR TYPE text USING hash AS
    OPERATOR 1 redshift.=, FUNCTION 1 redshift.text_hash(text), FUNCTION 2 redshift.text_hash(text, bigint);

-- ILIKE folds ASCII letters alone.
CREATE FUNCTION redshift.fold(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN translate($1, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
CREATE FUNCTION redshift.is_ilike(text, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.fold($1) LIKE redshift.fold($2);
CREATE FUNCTION redshift.is_not_ilike(text, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.fold($1) NOT LIKE redshift.fold($2);
CREATE OPERATOR redshift.~~* (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.is_ilike, NEGATOR = OPERATOR(redshift.!~~*));
CREATE OPERATOR redshift.!~~* (LEFTARG = text, RIGHTARG = text, FUNCTION = redshift.is_not_ilike, NEGATOR = OPERATOR(redshift.~~*));

-- A VARCHAR is cast to the other type where it is compared with a number or a point in time, and where it is assigned.
DO $$
DECLARE kind text; operator text; name text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'date', 'timestamp', 'timestamptz'] LOOP
        EXECUTE format('CREATE CAST (text AS %1$s) WITH INOUT AS ASSIGNMENT; CREATE CAST (varchar AS %1$s) WITH INOUT AS ASSIGNMENT', kind);
        FOREACH operator IN ARRAY ARRAY['=', '<>', '<', '<=', '>', '>='] LOOP
            name := 'compare_' || CASE operator WHEN '=' THEN 'eq' WHEN '<>' THEN 'ne' WHEN '<' THEN 'lt' WHEN '<=' THEN 'le' WHEN '>' THEN 'gt' ELSE 'ge' END;
            EXECUTE format('CREATE FUNCTION redshift.%1$s(text, %2$s) RETURNS boolean STABLE STRICT PARALLEL SAFE RETURN $1::%2$s %3$s $2', name, kind, operator);
            EXECUTE format('CREATE FUNCTION redshift.%1$s(%2$s, text) RETURNS boolean STABLE STRICT PARALLEL SAFE RETURN $1 %3$s $2::%2$s', name, kind, operator);
            EXECUTE format('CREATE OPERATOR redshift.%3$s (LEFTARG = text, RIGHTARG = %2$s, FUNCTION = redshift.%1$s)', name, kind, operator);
            EXECUTE format('CREATE OPERATOR redshift.%3$s (LEFTARG = %2$s, RIGHTARG = text, FUNCTION = redshift.%1$s)', name, kind, operator);
        END LOOP;
    END LOOP;
END $$;

-- In arithmetic with a number a VARCHAR is a DOUBLE PRECISION.
DO $$
DECLARE operator text;
BEGIN
    FOREACH operator IN ARRAY ARRAY['+', '-', '*', '/'] LOOP
        EXECUTE format('CREATE FUNCTION redshift.%1$I(text, double precision) RETURNS double precision STABLE STRICT PARALLEL SAFE RETURN $1::double precision %2$s $2', 'text ' || operator, operator);
        EXECUTE format('CREATE FUNCTION redshift.%1$I(double precision, text) RETURNS double precision STABLE STRICT PARALLEL SAFE RETURN $1 %2$s $2::double precision', 'text ' || operator, operator);
        EXECUTE format('CREATE OPERATOR redshift.%2$s (LEFTARG = text, RIGHTARG = double precision, FUNCTION = redshift.%1$I)', 'text ' || operator, operator);
        EXECUTE format('CREATE OPERATOR redshift.%2$s (LEFTARG = double precision, RIGHTARG = text, FUNCTION = redshift.%1$I)', 'text ' || operator, operator);
    END LOOP;
END $$;

-- What has no value: not covered here, or wrong by Redshift's rules.
CREATE FUNCTION redshift.refuse(message text) RETURNS text VOLATILE LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'syntax_error', MESSAGE = message; END $$;
CREATE FUNCTION redshift.fail(message text) RETURNS text VOLATILE LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = message; END $$;

-- LIKE looks at the text of any value.
DO $$
DECLARE kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'double precision', 'date', 'timestamp', 'timestamptz'] LOOP
        EXECUTE format('CREATE FUNCTION redshift.is_like(%1$s, text) RETURNS boolean STABLE STRICT PARALLEL SAFE RETURN $1::text LIKE $2', kind);
        EXECUTE format('CREATE FUNCTION redshift.is_not_like(%1$s, text) RETURNS boolean STABLE STRICT PARALLEL SAFE RETURN $1::text NOT LIKE $2', kind);
        EXECUTE format('CREATE OPERATOR redshift.~~ (LEFTARG = %1$s, RIGHTARG = text, FUNCTION = redshift.is_like)', kind);
        EXECUTE format('CREATE OPERATOR redshift.!~~ (LEFTARG = %1$s, RIGHTARG = text, FUNCTION = redshift.is_not_like)', kind);
    END LOOP;
END $$;

-- An integer that is compared with a Boolean or assigned to one is true if it is not 0 (AWS, Implicit conversion types).
CREATE FUNCTION redshift.is_true(bigint) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <> 0;
CREATE FUNCTION redshift.is_true(smallint) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <> 0;
CREATE CAST (bigint AS boolean) WITH FUNCTION redshift.is_true(bigint) AS ASSIGNMENT;
CREATE CAST (smallint AS boolean) WITH FUNCTION redshift.is_true(smallint) AS ASSIGNMENT;
UPDATE pg_cast SET castcontext = 'a' WHERE castsource = 'integer'::regtype AND casttarget = 'boolean'::regtype;
CREATE FUNCTION redshift.compare_eq(boolean, bigint) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 = ($2 <> 0);
CREATE FUNCTION redshift.compare_ne(boolean, bigint) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <> ($2 <> 0);
CREATE FUNCTION redshift.compare_eq(bigint, boolean) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN ($1 <> 0) = $2;
CREATE FUNCTION redshift.compare_ne(bigint, boolean) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN ($1 <> 0) <> $2;
CREATE OPERATOR redshift.= (LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = redshift.compare_eq);
CREATE OPERATOR redshift.<> (LEFTARG = boolean, RIGHTARG = bigint, FUNCTION = redshift.compare_ne);
CREATE OPERATOR redshift.= (LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = redshift.compare_eq);
CREATE OPERATOR redshift.<> (LEFTARG = bigint, RIGHTARG = boolean, FUNCTION = redshift.compare_ne);

-- The digits of a quotient of DECIMALs follow from their types: rewrite.py gives the scale where it can tell them.
CREATE FUNCTION redshift.divide_unknown(numeric, numeric) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.refuse('The embedded warehouse does not cover this division of DECIMALs, whose digits depend on their types: cast one to DOUBLE PRECISION.')::numeric;
CREATE OPERATOR redshift./ (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = redshift.divide_unknown);

-- || of a number and a point in time. PostgreSQL has it with a text alone, by operators that these would come before.
DO $$
DECLARE numbers text[] := ARRAY['smallint', 'integer', 'bigint', 'numeric', 'double precision'];
DECLARE moments text[] := ARRAY['date', 'timestamp', 'timestamptz'];
DECLARE one text; other text;
BEGIN
    FOR one, other IN
        SELECT n, m FROM unnest(numbers) AS n, unnest(moments) AS m UNION ALL SELECT m, n FROM unnest(numbers) AS n, unnest(moments) AS m
        UNION ALL SELECT k, 'text' FROM unnest(numbers || moments) AS k UNION ALL SELECT 'text', k FROM unnest(numbers || moments) AS k
    LOOP
        EXECUTE format('CREATE FUNCTION redshift.joined(%1$s, %2$s) RETURNS text STABLE STRICT PARALLEL SAFE RETURN $1::text || $2::text', one, other);
        EXECUTE format('CREATE OPERATOR redshift.|| (LEFTARG = %1$s, RIGHTARG = %2$s, FUNCTION = redshift.joined)', one, other);
    END LOOP;
END $$;
