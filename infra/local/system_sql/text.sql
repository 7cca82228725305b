-- Casts to VARCHAR(n) and CHAR(n) cut what is too long, in bytes, at a character.
CREATE OR REPLACE FUNCTION redshift.cut(text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length($1) <= $2 THEN $1
    ELSE left($1, (SELECT max(k)::integer FROM generate_series(0, $2) AS k WHERE octet_length(left($1, k)) <= $2)) END;
CREATE OR REPLACE FUNCTION redshift.cut(char, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.cut($1::text, $2);
CREATE OR REPLACE FUNCTION redshift.cut(anyelement, integer) RETURNS text STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT CASE WHEN octet_length($1::pg_catalog.text) <= $2 THEN $1::pg_catalog.text ELSE redshift.fail('Value too long for character type') END $$;

CREATE OR REPLACE FUNCTION redshift.len(text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN char_length($1);
CREATE OR REPLACE FUNCTION redshift.textlen(text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN char_length($1);
CREATE OR REPLACE FUNCTION redshift.concat(text, text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN $1 || $2;
CREATE OR REPLACE FUNCTION redshift.concat(anyelement, text) RETURNS text STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::pg_catalog.text || $2 $$;
CREATE OR REPLACE FUNCTION redshift.concat(text, anyelement) RETURNS text STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1 || $2::pg_catalog.text $$;
CREATE OR REPLACE FUNCTION redshift.concat(anyelement, anyelement) RETURNS text STABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$ SELECT $1::pg_catalog.text || $2::pg_catalog.text $$;
CREATE OR REPLACE FUNCTION redshift.charindex(text, text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN strpos($2, $1);
CREATE OR REPLACE FUNCTION redshift.position(text, text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE RETURN strpos($1, $2);
CREATE OR REPLACE FUNCTION redshift.octetindex(text, text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN strpos($2, $1) = 0 THEN 0 ELSE octet_length(left($2, strpos($2, $1) - 1)) + 1 END;
CREATE OR REPLACE FUNCTION redshift.split_part(text, text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $3 > 0 THEN pg_catalog.split_part($1, $2, $3) ELSE redshift.fail('field position must be greater than zero') END;
CREATE OR REPLACE FUNCTION redshift.chr(integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN CASE WHEN $1 BETWEEN 0 AND 127 THEN pg_catalog.chr($1) END;
CREATE OR REPLACE FUNCTION redshift.replicate(text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN repeat($1, $2);
CREATE OR REPLACE FUNCTION redshift.to_hex(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN encode(convert_to($1, 'UTF8'), 'hex');
CREATE OR REPLACE FUNCTION redshift.sha2(text, integer) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE $2 WHEN 224 THEN encode(sha224(convert_to($1, 'UTF8')), 'hex') WHEN 256 THEN encode(sha256(convert_to($1, 'UTF8')), 'hex')
    WHEN 0 THEN encode(sha256(convert_to($1, 'UTF8')), 'hex') WHEN 384 THEN encode(sha384(convert_to($1, 'UTF8')), 'hex')
    WHEN 512 THEN encode(sha512(convert_to($1, 'UTF8')), 'hex') ELSE '' END;
CREATE OR REPLACE FUNCTION redshift.sha1(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE
    data bytea := convert_to($1, 'UTF8');
    mask constant bigint := 4294967295;
    size integer := length(data);
    words bigint[]; word bigint; a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; spare bigint;
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
BEGIN
    data := data || decode('80', 'hex') || decode(repeat('00', (119 - size % 64) % 64), 'hex') || int8send(size::bigint * 8);
    FOR block IN 0 .. length(data) / 64 - 1 LOOP
        FOR i IN 0 .. 79 LOOP
            IF i < 16 THEN
                word := ('x' || encode(substr(data, block * 64 + i * 4 + 1, 4), 'hex'))::bit(32)::bigint & mask;
            ELSE
                word := words[i - 3] # words[i - 8] # words[i - 14] # words[i - 16];
                word := ((word << 1) | (word >> 31)) & mask;
            END IF;
            words[i] := word;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 0 .. 79 LOOP
            IF i < 20 THEN f := (b & c) | ((mask # b) & d); k := 1518500249;
            ELSIF i < 40 THEN f := b # c # d; k := 1859775393;
            ELSIF i < 60 THEN f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE f := b # c # d; k := 3395469782; END IF;
            spare := ((((a << 5) | (a >> 27)) & mask) + f + e + k + words[i]) & mask;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := spare;
        END LOOP;
        h := ARRAY[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    END LOOP;
    RETURN (SELECT string_agg(lpad(to_hex(part), 8, '0'), '' ORDER BY position) FROM unnest(h) WITH ORDINALITY AS u (part, position));
END $$;
CREATE OR REPLACE FUNCTION redshift.sha(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.sha1($1);
CREATE OR REPLACE FUNCTION redshift.func_sha1(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.sha1($1);

-- Regular expressions: REPLACE replaces all, SUBSTR gives '' for nothing; `p` (PCRE) is what PostgreSQL's do anyway.
CREATE OR REPLACE FUNCTION redshift.regexp_flags(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE RETURN translate($1, 'pe', '');
CREATE OR REPLACE FUNCTION redshift.regexp_replace(source text, pattern text, replacement text DEFAULT '', start integer DEFAULT 1, parameters text DEFAULT '')
RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_replace(source, pattern, replace(pg_catalog.regexp_replace(replace(replacement, '\', '\\'), '\$(\d)', '\\\1', 'g'), '\0', '\&'), greatest(start, 1), 0, redshift.regexp_flags(parameters));
CREATE OR REPLACE FUNCTION redshift.regexp_substr(source text, pattern text, start integer DEFAULT 1, occurrence integer DEFAULT 1, parameters text DEFAULT '')
RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN occurrence BETWEEN 1 AND greatest(char_length(source), 1) THEN coalesce(pg_catalog.regexp_substr(source, pattern, greatest(start, 1), occurrence,
    redshift.regexp_flags(parameters), CASE WHEN parameters LIKE '%e%' THEN 1 ELSE 0 END), '') END;
CREATE OR REPLACE FUNCTION redshift.regexp_count(source text, pattern text, start integer DEFAULT 1, parameters text DEFAULT '')
RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_count(source, pattern, greatest(start, 1), redshift.regexp_flags(parameters));
CREATE OR REPLACE FUNCTION redshift.regexp_instr(source text, pattern text, start integer DEFAULT 1, occurrence integer DEFAULT 1, option integer DEFAULT 0, parameters text DEFAULT '')
RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN occurrence < 1 THEN 0 ELSE pg_catalog.regexp_instr(source, pattern, greatest(start, 1), occurrence, sign(option)::integer, redshift.regexp_flags(parameters)) END;

-- LISTAGG leaves out NULL and '', and has a longest result.
CREATE OR REPLACE FUNCTION redshift.listed(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length($1) <= 65535 THEN $1 ELSE redshift.fail('Result size exceeds LISTAGG limit') END;
CREATE OR REPLACE FUNCTION redshift.listed(text[], text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN redshift.listed((SELECT string_agg(v, $2 ORDER BY place) FROM (SELECT DISTINCT ON (v) v, place
    FROM unnest($1) WITH ORDINALITY AS u (v, place) WHERE v IS NOT NULL ORDER BY v, place) AS first));

-- JSON that is not valid is an error, or NULL where the last argument says so; what a path does not find is NULL.
CREATE OR REPLACE FUNCTION redshift.is_valid_json(text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 IS JSON OBJECT;
CREATE OR REPLACE FUNCTION redshift.is_valid_json_array(text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE RETURN $1 IS JSON ARRAY;
CREATE OR REPLACE FUNCTION redshift.parsed(text, boolean) RETURNS json VOLATILE LANGUAGE plpgsql AS $$
BEGIN
    IF $1 IS JSON THEN RETURN $1::json; END IF;
    RETURN CASE WHEN NOT $2 THEN redshift.fail('JSON parsing error')::json END;
END $$;
CREATE OR REPLACE FUNCTION redshift.json_path(text, boolean, VARIADIC text[]) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN json_extract_path_text(redshift.parsed($1, $2), VARIADIC $3);
CREATE OR REPLACE FUNCTION redshift.json_extract_array_element_text(text, integer, boolean DEFAULT false) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $2 NOT BETWEEN 0 AND json_array_length(redshift.parsed($1, $3)) - 1 THEN '' ELSE redshift.parsed($1, $3) ->> $2 END;
CREATE OR REPLACE FUNCTION redshift.json_array_length(text, boolean DEFAULT false) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(redshift.parsed($1, $2)) = 'array' THEN pg_catalog.json_array_length(redshift.parsed($1, $2))
    WHEN NOT $2 THEN redshift.fail('JSON parsing error: not an array')::integer END;

-- Hashes and sounds: FNV-1a of 64 bits, CRC-32C, American Soundex.
CREATE OR REPLACE FUNCTION redshift.fnv_1a(data bytea, seed bigint) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE modulus constant numeric := 18446744073709551616; hash numeric;
BEGIN
    FOR i IN 0 .. length(data) - 1 LOOP
        hash := mod((seed # get_byte(data, i)::bigint)::numeric + modulus, modulus) * 1099511627776
            + mod((seed # get_byte(data, i)::bigint)::numeric + modulus, modulus) * 435;
        hash := mod(hash, modulus);
        seed := CASE WHEN hash < 9223372036854775808 THEN hash ELSE hash - modulus END;
    END LOOP;
    RETURN seed;
END $$;
CREATE OR REPLACE FUNCTION redshift.reversed(bytea) RETURNS bytea IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT string_agg(substr($1, i, 1), '' ORDER BY i DESC) FROM generate_series(1, length($1)) AS i);
CREATE OR REPLACE FUNCTION redshift.fnv_hash(text, bigint DEFAULT -3750763034362895579) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.fnv_1a(convert_to($1, 'UTF8'), $2);
CREATE OR REPLACE FUNCTION redshift.fnv_hash(smallint, bigint DEFAULT -3750763034362895579) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.fnv_1a(redshift.reversed(int2send($1)), $2);
CREATE OR REPLACE FUNCTION redshift.fnv_hash(integer, bigint DEFAULT -3750763034362895579) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.fnv_1a(redshift.reversed(int4send($1)), $2);
CREATE OR REPLACE FUNCTION redshift.fnv_hash(bigint, bigint DEFAULT -3750763034362895579) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE RETURN redshift.fnv_1a(redshift.reversed(int8send($1)), $2);
CREATE OR REPLACE FUNCTION redshift.crc32(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE crc bigint := 4294967295; data bytea := convert_to($1, 'UTF8');
BEGIN
    FOR i IN 0 .. length(data) * 8 - 1 LOOP
        IF i % 8 = 0 THEN crc := crc # get_byte(data, i / 8); END IF;
        crc := (crc >> 1) # CASE WHEN crc & 1 = 1 THEN 2197175160 ELSE 0 END;
    END LOOP;
    RETURN lpad(to_hex(crc # 4294967295), 8, '0');
END $$;
CREATE OR REPLACE FUNCTION redshift.soundex(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT CASE WHEN word = '' THEN '' ELSE left(word, 1) || left(replace(substr(pg_catalog.regexp_replace(
    translate(left(word, 1) || pg_catalog.regexp_replace(substr(word, 2), '[HW]', '', 'g'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230120022455012623010202'),
    '(.)\1+', '\1', 'g'), 2), '0', '') || '000', 3) END FROM (SELECT upper(pg_catalog.regexp_replace($1, '[^A-Za-z]', '', 'g'))) AS w (word));
CREATE OR REPLACE FUNCTION redshift.difference(text, text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN redshift.soundex($1) = '' AND redshift.soundex($2) = '' THEN 1 ELSE (SELECT count(*) FROM generate_series(1, 4) AS i
    WHERE substr(redshift.soundex($1), i, 1) = substr(redshift.soundex($2), i, 1) AND '' NOT IN (redshift.soundex($1), redshift.soundex($2))) END;

-- + joins texts as || does, and a DATE and a TIME give a TIMESTAMP.
CREATE OR REPLACE FUNCTION redshift.at_time(date, time) RETURNS timestamp IMMUTABLE STRICT PARALLEL SAFE RETURN $1 + $2;
CREATE OR REPLACE FUNCTION redshift.at_time(date, timetz) RETURNS timestamptz IMMUTABLE STRICT PARALLEL SAFE RETURN $1 + $2;
DO $$
BEGIN
    IF to_regoperator('redshift.+(text, text)') IS NULL THEN
        CREATE OPERATOR redshift.+ (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
        CREATE OPERATOR redshift.|| (LEFTARG = date, RIGHTARG = time, FUNCTION = redshift.at_time);
        CREATE OPERATOR redshift.|| (LEFTARG = date, RIGHTARG = timetz, FUNCTION = redshift.at_time);
    END IF;
END $$;
