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

-- Casts to VARCHAR(n) and CHAR(n) cut what is too long, in bytes, at a character.
CREATE FUNCTION redshift.refuse(message text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'syntax_error', MESSAGE = message; END $$;
CREATE FUNCTION redshift.fail(message text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = message; END $$;
CREATE FUNCTION redshift.cut(text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length($1) <= $2 THEN $1
    ELSE left($1, (SELECT max(k)::integer FROM generate_series(0, $2) AS k WHERE octet_length(left($1, k)) <= $2)) END;
CREATE FUNCTION redshift.cut(char, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.cut($1::text, $2);
CREATE FUNCTION redshift.cut(anyelement, integer) RETURNS text STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length($1::text) <= $2 THEN $1::text ELSE redshift.fail('Value too long for character type') END;

CREATE FUNCTION redshift.len(text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN char_length($1);
CREATE FUNCTION redshift.len(char) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN char_length($1);
CREATE FUNCTION redshift.textlen(text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN char_length($1);
CREATE FUNCTION redshift.concat(text, text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN $1 || $2;
CREATE FUNCTION redshift.concat(anyelement, text) RETURNS text STABLE STRICT PARALLEL SAFE RETURN $1::text || $2;
CREATE FUNCTION redshift.concat(text, anyelement) RETURNS text STABLE STRICT PARALLEL SAFE RETURN $1 || $2::text;
CREATE FUNCTION redshift.concat(anyelement, anyelement) RETURNS text STABLE STRICT PARALLEL SAFE RETURN $1::text || $2::text;
CREATE FUNCTION redshift.charindex(text, text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN strpos($2, $1);
CREATE FUNCTION redshift.position(text, text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN strpos($1, $2);
CREATE FUNCTION redshift.octetindex(text, text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN strpos($2, $1) = 0 THEN 0 ELSE octet_length(left($2, strpos($2, $1) - 1)) + 1 END;
CREATE FUNCTION redshift.split_part(text, text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $3 > 0 THEN pg_catalog.split_part($1, $2, $3) ELSE redshift.fail('field position must be greater than zero') END;
CREATE FUNCTION redshift.replicate(text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN repeat($1, $2);
CREATE FUNCTION redshift.to_hex(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN encode(convert_to($1, 'UTF8'), 'hex');
CREATE FUNCTION redshift.crc32(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN lpad(to_hex(pg_catalog.crc32(convert_to($1, 'UTF8'))), 8, '0');
CREATE FUNCTION redshift.sha2(text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE $2 WHEN 224 THEN encode(sha224(convert_to($1, 'UTF8')), 'hex') WHEN 256 THEN encode(sha256(convert_to($1, 'UTF8')), 'hex')
    WHEN 0 THEN encode(sha256(convert_to($1, 'UTF8')), 'hex') WHEN 384 THEN encode(sha384(convert_to($1, 'UTF8')), 'hex')
    WHEN 512 THEN encode(sha512(convert_to($1, 'UTF8')), 'hex') END;
CREATE FUNCTION redshift.sha1(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE
    data bytea := convert_to($1, 'UTF8');
    mask constant bigint := 4294967295;
    size integer := length(data);
    words bigint[]; word bigint; a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; spare bigint;
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
BEGIN
    data := data || '\x80'::bytea || decode(repeat('00', (119 - size % 64) % 64), 'hex') || int8send(size::bigint * 8);
    FOR block IN 0 .. length(data) / 64 - 1 LOOP
        FOR i IN 0 .. 79 LOOP
            IF i < 16 THEN
                word := get_byte(data, block * 64 + i * 4)::bigint << 24 | get_byte(data, block * 64 + i * 4 + 1) << 16
                    | get_byte(data, block * 64 + i * 4 + 2) << 8 | get_byte(data, block * 64 + i * 4 + 3);
            ELSE
                word := words[i - 3] # words[i - 8] # words[i - 14] # words[i - 16];
                word := (word << 1 | word >> 31) & mask;
            END IF;
            words[i] := word;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 0 .. 79 LOOP
            IF i < 20 THEN f := b & c | (mask # b) & d; k := 1518500249;
            ELSIF i < 40 THEN f := b # c # d; k := 1859775393;
            ELSIF i < 60 THEN f := b & c | b & d | c & d; k := 2400959708;
            ELSE f := b # c # d; k := 3395469782; END IF;
            spare := ((a << 5 | a >> 27) & mask) + f + e + k + words[i] & mask;
            e := d; d := c; c := (b << 30 | b >> 2) & mask; b := a; a := spare;
        END LOOP;
        h := ARRAY[h[1] + a & mask, h[2] + b & mask, h[3] + c & mask, h[4] + d & mask, h[5] + e & mask];
    END LOOP;
    RETURN (SELECT string_agg(lpad(to_hex(part), 8, '0'), '' ORDER BY position) FROM unnest(h) WITH ORDINALITY AS u (part, position));
END $$;
CREATE FUNCTION redshift.sha(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.sha1($1);
CREATE FUNCTION redshift.func_sha1(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.sha1($1);

-- Regular expressions: REPLACE replaces all, SUBSTR gives '' for nothing; `p` (PCRE) is what PostgreSQL's do anyway.
CREATE FUNCTION redshift.regexp_flags(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN translate($1, 'pe', '');
CREATE FUNCTION redshift.regexp_replace(source text, pattern text, replacement text DEFAULT '', start integer DEFAULT 1, parameters text DEFAULT '')
RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_replace(source, pattern, pg_catalog.regexp_replace(replace(replacement, '\', '\\'), '\$(\d)', '\\\1', 'g'), start, 0, redshift.regexp_flags(parameters));
CREATE FUNCTION redshift.regexp_substr(source text, pattern text, start integer DEFAULT 1, occurrence integer DEFAULT 1, parameters text DEFAULT '')
RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce(pg_catalog.regexp_substr(source, pattern, start, occurrence, redshift.regexp_flags(parameters), CASE WHEN parameters LIKE '%e%' THEN 1 ELSE 0 END), '');
CREATE FUNCTION redshift.regexp_count(source text, pattern text, start integer DEFAULT 1, parameters text DEFAULT '')
RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_count(source, pattern, start, redshift.regexp_flags(parameters));
CREATE FUNCTION redshift.regexp_instr(source text, pattern text, start integer DEFAULT 1, occurrence integer DEFAULT 1, option integer DEFAULT 0, parameters text DEFAULT '')
RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_instr(source, pattern, start, occurrence, option, redshift.regexp_flags(parameters));

-- LISTAGG leaves out NULL and '', and has a longest result.
CREATE FUNCTION redshift.listed(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length($1) <= 65535 THEN $1 ELSE redshift.fail('Result size exceeds LISTAGG limit') END;

-- JSON that is not valid is an error, or NULL where the last argument says so; what a path does not find is NULL.
CREATE FUNCTION redshift.is_valid_json(text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 IS JSON OBJECT;
CREATE FUNCTION redshift.is_valid_json_array(text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 IS JSON ARRAY;
CREATE FUNCTION redshift.parsed(text, boolean) RETURNS json IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN $1 IS JSON THEN $1::json WHEN NOT $2 THEN redshift.fail('JSON parsing error')::json END;
CREATE FUNCTION redshift.json_path(text, boolean, VARIADIC text[]) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN json_extract_path_text(redshift.parsed($1, $2), VARIADIC $3);
CREATE FUNCTION redshift.json_extract_array_element_text(text, integer, boolean DEFAULT false) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $2 >= 0 AND json_typeof(redshift.parsed($1, $3)) = 'array' THEN redshift.parsed($1, $3) ->> $2 END;
CREATE FUNCTION redshift.json_array_length(text, boolean DEFAULT false) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(redshift.parsed($1, $2)) = 'array' THEN pg_catalog.json_array_length(redshift.parsed($1, $2))
    WHEN NOT $2 THEN redshift.fail('JSON parsing error: not an array')::integer END;
