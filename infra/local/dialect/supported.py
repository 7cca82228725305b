"""What the dialect knows: the SQL that it passes on, and what it says of the SQL that Redshift lacks.

Everything here means the same in Redshift and in PostgreSQL, or is rewritten (rewrite.py, functions.py, queries.py), or
is a function or operator of system_sql/. What is in no list is refused.
"""

from sqlglot import exp
from sqlglot.dialects.redshift import Redshift

VERBS = {"(", "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER"}
CREATED = {"TABLE", "VIEW", "SCHEMA", "TEMP", "TEMPORARY", "LOCAL", "OR"}
STATEMENTS = (
    exp.Select, exp.SetOperation, exp.Subquery, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop,
    exp.Alter,
)  # fmt: skip
OTHER_VERBS = {  # of Redshift's statements that are not covered; any other first word is a syntax error
    "UNLOAD", "CALL", "CANCEL", "CLOSE", "DECLARE", "FETCH", "DEALLOCATE", "EXECUTE", "PREPARE", "REFRESH", "REINDEX",
    "SHOW", "ATTACH", "DETACH", "ABORT", "START", "USE", "REASSIGN",
}  # fmt: skip

# Statements that run as they are; the pattern is matched on the text with single spaces.
_NAME = r'[\w."#]+'
_TRANSACTION = r"( WORK| TRANSACTION)?(,? ?(ISOLATION LEVEL (SERIALIZABLE|READ (UN)?COMMITTED|REPEATABLE READ)|READ (ONLY|WRITE)))*$"  # noqa: E501
_PRIVILEGES = r"(ALL( PRIVILEGES)?|(SELECT|INSERT|UPDATE|DELETE|REFERENCES|USAGE|CREATE|TRUNCATE|, ?)+)"
_OBJECTS = rf"ON ((ALL TABLES IN )?SCHEMA |TABLE )?{_NAME}(, ?{_NAME})*"
PLAIN_STATEMENTS = {
    "BEGIN": rf"BEGIN{_TRANSACTION}",
    "START": rf"START{_TRANSACTION}",
    "COMMIT": r"COMMIT( WORK| TRANSACTION)?$",
    "END": r"END( WORK| TRANSACTION)?$",
    "ROLLBACK": r"ROLLBACK( WORK| TRANSACTION)?$",
    "ABORT": r"ABORT( WORK| TRANSACTION)?$",
    "LOCK": rf"LOCK( TABLE)? {_NAME}(, ?{_NAME})*$",
    "TRUNCATE": rf"TRUNCATE( TABLE)? {_NAME}$",
    "ANALYZE": rf"ANALYZE( {_NAME})?$",
    "VACUUM": rf"VACUUM( FULL)?( {_NAME})?$",
    "COMMENT": rf"COMMENT ON (TABLE|COLUMN|VIEW|SCHEMA) {_NAME} IS ",
    "GRANT": rf"GRANT {_PRIVILEGES} {_OBJECTS} TO (GROUP )?{_NAME}(, ?{_NAME})*( WITH GRANT OPTION)?$",
    "REVOKE": rf"REVOKE {_PRIVILEGES} {_OBJECTS} FROM (GROUP )?{_NAME}(, ?{_NAME})*$",
    "SET": r"SET (SESSION )?(search_path|statement_timeout|query_group|enable_result_cache_for_session) ?(TO |= ?)",
    "RESET": r"RESET (search_path|statement_timeout|query_group|enable_result_cache_for_session)$",
    "SHOW": r"SHOW (statement_timeout|query_group|enable_result_cache_for_session|timezone|server_version)$",
}
SETTINGS = ("query_group", "enable_result_cache_for_session")  # without effect here

LACKING_STATEMENTS = {  # first words -> what to do instead
    "CREATE INDEX": ": use a SORTKEY",
    "CREATE UNIQUE INDEX": ": use a SORTKEY",
    "CREATE SEQUENCE": ": use an IDENTITY column",
    "CREATE TYPE": "",
    "CREATE DOMAIN": "",
    "CREATE EXTENSION": "",
    "CREATE UNLOGGED": " TABLE",
    "CREATE TEMP VIEW": ": create a view or a temporary table",
    "CREATE TEMPORARY VIEW": ": create a view or a temporary table",
    "CREATE RULE": "",
    "CREATE TRIGGER": "",
    "SAVEPOINT": "",
    "RELEASE": " SAVEPOINT",
    "DO": " blocks",
    "LISTEN": "",
    "NOTIFY": "",
}

LACKING_WORDS = {  # in CREATE TABLE: word -> what it is, and what to do instead
    "SERIAL": "type SERIAL: use IDENTITY(0, 1)",
    "BIGSERIAL": "type BIGSERIAL: use IDENTITY(0, 1)",
    "SMALLSERIAL": "type SMALLSERIAL: use IDENTITY(0, 1)",
    "CHECK": "CHECK constraint: use a quality check",
    "EXCLUDE": "EXCLUDE constraint",
    "ENUM": "type ENUM: use VARCHAR",
    "JSON": "type JSON: use SUPER or VARCHAR",
    "JSONB": "type JSONB: use SUPER or VARCHAR",
    "UUID": "type UUID: use VARCHAR(36)",
    "ARRAY": "array type: use SUPER",
    "[": "array type: use SUPER",
    "INHERITS": "INHERITS",
    "TABLESPACE": "TABLESPACE",
    "DEFERRABLE": "DEFERRABLE constraint: keys are not enforced",
    "INITIALLY": "INITIALLY of a constraint: keys are not enforced",
    "GENERATED ALWAYS AS IDENTITY": "GENERATED ALWAYS AS IDENTITY: use IDENTITY(seed, step)",
    "NULLS NOT DISTINCT": "NULLS NOT DISTINCT: keys are not enforced",
    "ON DELETE": "ON DELETE action: keys are not enforced",
    "ON UPDATE": "ON UPDATE action: keys are not enforced",
}

LACKING = {  # sqlglot's node -> its name
    exp.OnConflict: "ON CONFLICT: use MERGE, or DELETE and INSERT",
    exp.Returning: "RETURNING",
    exp.Filter: "FILTER clause: use CASE inside the aggregate",
    exp.Array: "arrays",
    exp.Lateral: "LATERAL",
    exp.JSONExtract: "-> on JSON",
    exp.JSONExtractScalar: "->> on JSON",
    exp.JSONBExtract: "#> on JSONB",
    exp.JSONBExtractScalar: "#>> on JSONB",
    exp.JSONBContains: "? on JSONB",
    exp.ArrayContainsAll: "@> on arrays and JSONB",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.TableSample: "TABLESAMPLE",
}

LACKING_FUNCTIONS = {  # name -> what to do instead
    "STRING_AGG": ": use LISTAGG",
    "ARRAY_AGG": ": use LISTAGG",
    "JSON_AGG": "",
    "JSONB_AGG": "",
    "UNNEST": " of arrays",
    "GENERATE_SERIES": " joined to tables",
    "NEXTVAL": ": use an IDENTITY column",
    "GEN_RANDOM_UUID": "",
    "AGE": ": use DATEDIFF",
}

# Functions by Redshift's name, each with how many arguments it takes; any other name is refused.
_ARGUMENTS = """
0: pi random getdate sysdate pg_last_copy_count pg_last_copy_id pg_backend_pid version current_schema
0: current_database row_number rank dense_rank percent_rank cume_dist timeofday
1: count sum avg min max stddev stddev_samp stddev_pop variance var_samp var_pop bool_and bool_or bit_and bit_or median
1: every ratio_to_report percentile_cont percentile_disc first_value last_value ntile grouping
1: abs acos asin atan cbrt ceil ceiling cos cot degrees dexp dlog1 dlog10 exp floor ln log radians sign sin sqrt tan
1: ascii chr initcap lower upper len length char_length character_length textlen octet_length md5 sha sha1 func_sha1
1: reverse quote_ident quote_literal to_hex is_valid_json is_valid_json_array last_day date_part_year
2: nth_value atan2 mod power pow nvl concat left right repeat replicate charindex strpos octetindex sha2 strtol
2: to_number nullif date_part pgdate_part date_trunc add_months months_between next_day timezone
2: date_cmp timestamp_cmp date_cmp_timestamp timestamp_cmp_date timestamp_cmp_timestamptz to_char
3: replace translate split_part dateadd date_add datediff date_diff nvl2
1-2: round trunc ltrim rtrim btrim listagg json_array_length lag lead
2-3: substring substr lpad rpad convert_timezone to_date to_timestamp json_extract_array_element_text
2-4: regexp_count
2-5: regexp_replace regexp_substr
2-6: regexp_instr
2-7: json_extract_path_text
1-99: coalesce greatest least
3-99: decode
"""
FUNCTIONS: dict[str, tuple[int, int]] = {}
for _line in _ARGUMENTS.strip().splitlines():
    _numbers, _names = _line.split(": ")
    _fewest, _, _most = _numbers.partition("-")
    for _name in _names.split():
        FUNCTIONS[_name] = (int(_fewest), int(_most or _fewest))
FUNCTIONS["nvl"] = (1, 99)
PARSED_FUNCTIONS = ("CAST", "CONVERT", "EXTRACT", "TRIM", "POSITION")  # with a form of their own, for sqlglot's parser
LEADER_FUNCTIONS = {"current_schema", "current_database", "now", "age", "localtime", "localtimestamp", "isfinite"}

# Words that are functions without parentheses -> PostgreSQL's text and the column's name.
CONSTANTS = {
    "sysdate": ("sysdate()", "timestamp"),
    "current_date": ("CURRENT_DATE", "date"),
    "current_timestamp": ("CURRENT_TIMESTAMP", "timestamptz"),
    "current_user": ("CURRENT_USER", "current_user"),
    "session_user": ("SESSION_USER", "session_user"),
    "user": ("CURRENT_USER", "current_user"),
}
COLUMN_NAMES = {  # function -> the name of its column, where it is another
    "dateadd": "date_add", "datediff": "date_diff", "date_part": "pgdate_part", "nvl": "coalesce", "nvl2": "case",
    "decode": "case", "getdate": "timestamp", "log": "dlog10", "greatest": "greatest", "least": "least",
}  # fmt: skip
TYPE_NAMES = {
    exp.DType.VARCHAR: "varchar", exp.DType.NVARCHAR: "varchar", exp.DType.TEXT: "text", exp.DType.CHAR: "bpchar",
    exp.DType.NCHAR: "bpchar", exp.DType.BPCHAR: "bpchar", exp.DType.SMALLINT: "int2", exp.DType.INT: "int4",
    exp.DType.BIGINT: "int8", exp.DType.DECIMAL: "numeric", exp.DType.FLOAT: "float4", exp.DType.DOUBLE: "float8",
    exp.DType.BOOLEAN: "bool", exp.DType.DATE: "date", exp.DType.TIMESTAMP: "timestamp",
    exp.DType.TIMESTAMPTZ: "timestamptz", exp.DType.TIME: "time", exp.DType.TIMETZ: "timetz",
}  # fmt: skip

# Everything else a statement is made of, as sqlglot's nodes: exactly these types, not what derives from them.
NODES = {
    exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join, exp.Where,
    exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Qualify,
    exp.Insert, exp.Values, exp.Tuple, exp.Update, exp.Delete, exp.Merge, exp.Whens, exp.When, exp.Create, exp.Drop,
    exp.Schema, exp.ColumnDef, exp.ColumnConstraint, exp.NotNullColumnConstraint, exp.DefaultColumnConstraint,
    exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.GeneratedAsIdentityColumnConstraint,
    exp.PrimaryKey, exp.ForeignKey, exp.Reference, exp.Constraint, exp.IndexParameters,
    exp.Properties, exp.TemporaryProperty,
    exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Star, exp.Paren, exp.Var, exp.DataType,
    exp.DataTypeParam, exp.Literal, exp.Null, exp.Boolean, exp.Interval,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like,
    exp.ILike, exp.Escape, exp.Exists, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe, exp.Case,
    exp.If, exp.Window, exp.WindowSpec,
    exp.Cast, exp.Trim, exp.Extract, exp.StrPosition, exp.Anonymous, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls,
    exp.AtTimeZone, exp.RegexpLike, exp.SimilarTo, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot,
    exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.Pow, exp.Any, exp.All, exp.Into, exp.Pivot, exp.PivotAlias,
    exp.Bracket, exp.Rollup, exp.Cube, exp.GroupingSets, exp.LikeProperty, exp.Property, exp.Alter, exp.AlterRename,
    exp.RenameColumn, exp.AddConstraint, exp.AlterColumn, exp.Concat, exp.AutoIncrementColumnConstraint,
    exp.NullSafeEQ, exp.SchemaCommentProperty,
}  # fmt: skip

# Parts of a node that PostgreSQL has and Redshift lacks, or that mean another thing there.
LACKING_PARTS: dict[tuple[type[exp.Expr], str], str] = {
    (exp.Between, "symmetric"): "BETWEEN SYMMETRIC",
    (exp.CTE, "materialized"): "MATERIALIZED in WITH",
    (exp.Select, "windows"): "WINDOW clause: write the window in OVER",
    (exp.Select, "locks"): "SELECT FOR UPDATE: use LOCK",
    (exp.Table, "only"): "ONLY, for it has no inheritance",
    (exp.Window, "alias"): "WINDOW clause: write the window in OVER",
}
_CLAUSES = "with_ expressions distinct from_ joins where group having qualify order limit offset windows locks into"
_SET_OPERATION = "with_ this expression distinct order limit offset"
PARTS = {  # node -> its parts that are covered; a node that is not here is covered whole
    exp.Select: _CLAUSES, exp.Union: _SET_OPERATION, exp.Except: _SET_OPERATION, exp.Intersect: _SET_OPERATION,
    exp.Subquery: "this alias joins pivots with_ order limit offset",
    exp.Table: "this alias db joins only sample pivots",
    exp.With: "expressions recursive", exp.CTE: "this alias materialized", exp.Join: "this on using side kind method",
    exp.Group: "expressions rollup cube grouping_sets", exp.Limit: "expression", exp.Star: "",
    exp.Values: "expressions",
    exp.Insert: "with_ this expression default conflict returning",
    exp.Update: "with_ this expressions from_ where returning",
    exp.Delete: "with_ this using where returning", exp.Into: "this temporary",
    exp.Merge: "this using on whens returning", exp.When: "matched then condition source",
    exp.Create: "this kind expression exists properties replace no_schema_binding",
    exp.Drop: "this kind tables expressions exists cascade restrict",
    exp.Alter: "this kind actions exists", exp.AlterColumn: "this dtype",
    exp.GeneratedAsIdentityColumnConstraint: "this start increment on_null",
    exp.Window: "this partition_by order spec over alias", exp.WindowSpec: "kind start start_side end end_side",
    exp.Trim: "this expression position", exp.Cast: "this to", exp.StrPosition: "this substr",
    exp.Pivot: "expressions fields unpivot include_nulls alias columns identify_pivot_strings pivot_column_naming",
}  # fmt: skip

RESERVED = {word.strip() for word in Redshift.Generator.RESERVED_KEYWORDS} - {
    "oid",
    "type",
    "default",
}  # columns of system tables; SET a = DEFAULT
SYSTEM_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}
ATTRIBUTES = {  # of a table or column -> the words that may follow
    "DISTSTYLE": {"AUTO", "EVEN", "KEY", "ALL"},
    "BACKUP": {"YES", "NO"},
    "ENCODE": {
        "AUTO", "AZ64", "BYTEDICT", "DELTA", "DELTA32K", "LZO", "MOSTLY8", "MOSTLY16", "MOSTLY32", "RAW", "RUNLENGTH",
        "TEXT255", "TEXT32K", "ZSTD",
    },
}  # fmt: skip
# TO_CHAR's patterns that both engines print alike: of a point in time (between its fields anything but a letter or a
# digit, or what stands in double quotes), and of a number.
TIME_FORMAT = (
    r'([^A-Za-z0-9"]|"[^"]*"|FM|YYYY|YY|IYYY|MONTH|Month|month|MON|Mon|mon|MM|DAY|Day|day|DY|Dy|dy|DDD|DD|ID|D|WW|IW|W|Q|'
    r"HH24|HH12|HH|MI|SS|MS|US|AM|PM|am|pm|A\.M\.|P\.M\.|yyyy|mm|dd|hh24|hh12|hh|mi|ss|CC|J)*"
)
NUMBER_FORMAT = r"(FM)?[ $]*(S|MI|PR)?[09.,DG]+(S|MI|PR)?"

_SPELLINGS = """
millennium: millennia mil mils
century: centuries c cent cents
decade: decades dec decs
year: years y yr yrs
quarter: quarters qtr qtrs
month: months mon mons
week: weeks w
day: days d
hour: hours h hr hrs
minute: minutes m min mins
second: seconds s sec secs
millisecond: milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon
microsecond: microseconds us usec usecs usecond useconds microsec microsecs microsecond
dow: dayofweek weekday dw
doy: dayofyear dy yearday
epoch: epoch
timezone: timezone
timezone_hour: timezone_hour
timezone_minute: timezone_minute
"""
UNITS: dict[str, str] = {}  # every spelling of a unit of time -> its first one
for _line in _SPELLINGS.strip().splitlines():
    _unit, _names = _line.split(": ")
    UNITS |= dict.fromkeys([_unit, *_names.split()], _unit)
LENGTHS = set(list(dict.fromkeys(UNITS.values()))[:13])  # units to add, to count and to truncate to

LONGEST = {  # Redshift's text types -> the most bytes; without a length: 256, CHAR 1
    exp.DType.VARCHAR: 65535, exp.DType.NVARCHAR: 65535, exp.DType.TEXT: 256,
    exp.DType.CHAR: 4096, exp.DType.NCHAR: 4096, exp.DType.BPCHAR: 256,
}  # fmt: skip
WHOLE = {exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
SINGLE_BYTE = {exp.DType.CHAR, exp.DType.NCHAR, exp.DType.BPCHAR}
TYPES = {
    *LONGEST,
    exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.DECIMAL, exp.DType.FLOAT, exp.DType.DOUBLE,
    exp.DType.BOOLEAN, exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIME, exp.DType.TIMETZ,
}  # fmt: skip
LACKING_TYPES = {
    exp.DType.JSON, exp.DType.JSONB, exp.DType.UUID, exp.DType.ARRAY, exp.DType.ENUM, exp.DType.SERIAL,
    exp.DType.BIGSERIAL, exp.DType.SMALLSERIAL, exp.DType.MONEY, exp.DType.XML, exp.DType.INET,
}  # fmt: skip

# Window functions that need no frame with an ORDER BY, and may have none.
RANKINGS = {"row_number", "rank", "dense_rank", "ntile", "percent_rank", "cume_dist", "lag", "lead"}
WINDOWED = {"sum", "avg", "count", "min", "max", "first_value", "last_value", "nth_value", "ratio_to_report", "stddev"}
KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)

# Relations of the schema redshift and of PostgreSQL's catalog that Redshift has too; other such names are refused.
SYSTEM_RELATION = r"(stl|stv|svl|svv|svcs|sys|pg)_\w+"
SYSTEM_RELATIONS = {
    "stl_load_errors", "stv_load_state", "svv_table_info", "svv_tables", "svv_columns",
    "sys_load_history", "sys_load_error_detail",
    "pg_table_def", "pg_tables", "pg_views", "pg_class", "pg_namespace", "pg_attribute", "pg_type", "pg_database",
    "pg_locks", "pg_settings", "pg_description", "pg_stat_activity",
}  # fmt: skip
