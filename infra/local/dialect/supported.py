"""What the stand-in's dialect knows: the SQL that it passes on, and what it says of the SQL that Redshift lacks.

Everything here means the same in Redshift and in PostgreSQL, or is rewritten in dialect.py, or is defined in
catalog.py. What is in no list is refused.
"""

from sqlglot import exp
from sqlglot.dialects.redshift import Redshift

VERBS = {"(", "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP"}
STATEMENTS = (exp.Select, exp.SetOperation, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop)

# Statements that run as they are; the pattern is matched on the text with single spaces.
_NAME = r'[\w."]+'
PLAIN_STATEMENTS = {
    "BEGIN": r"BEGIN( WORK| TRANSACTION)?$",
    "COMMIT": r"COMMIT( WORK| TRANSACTION)?$",
    "END": r"END( WORK| TRANSACTION)?$",
    "ROLLBACK": r"ROLLBACK( WORK| TRANSACTION)?$",
    "LOCK": rf"LOCK( TABLE)? {_NAME}(, ?{_NAME})*$",
    "TRUNCATE": rf"TRUNCATE( TABLE)? {_NAME}$",
    "ANALYZE": rf"ANALYZE( {_NAME})?$",
    "VACUUM": rf"VACUUM( FULL)?( {_NAME})?$",
    "COMMENT": rf"COMMENT ON TABLE {_NAME} IS ",
}

LACKING_STATEMENTS = {  # first words -> what to do instead
    "CREATE INDEX": ": use a SORTKEY",
    "CREATE UNIQUE INDEX": ": use a SORTKEY",
    "CREATE SEQUENCE": ": use an IDENTITY column",
    "CREATE TYPE": "",
    "CREATE DOMAIN": "",
    "CREATE EXTENSION": "",
    "CREATE UNLOGGED": " TABLE",
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
    "TRIGGER": "trigger",
}

LACKING = {  # sqlglot's node -> its name
    exp.OnConflict: "ON CONFLICT: use MERGE, or DELETE and INSERT",
    exp.Returning: "RETURNING",
    exp.Filter: "FILTER clause: use CASE inside the aggregate",
    exp.Array: "arrays",
    exp.Bracket: "arrays",
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

# Functions by Redshift's name. Only these reach sqlglot's own readers; any other name is refused, also one that another
# dialect of sqlglot's would know (IFNULL, TRY_CAST, DATE_DIFF).
FUNCTIONS = {
    "COUNT", "SUM", "AVG", "MIN", "MAX", "ROW_NUMBER", "RANK", "DENSE_RANK", "LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE",
    "ABS", "ROUND", "FLOOR", "CEIL", "CEILING", "COALESCE", "NVL", "NVL2", "NULLIF", "CAST", "LOWER", "UPPER", "TRIM",
    "LTRIM", "RTRIM", "BTRIM", "LEN", "LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "TEXTLEN", "SUBSTRING", "SUBSTR",
    "CONCAT", "MD5", "EXTRACT", "DATEDIFF", "DATE_TRUNC",
}  # fmt: skip
NAMED_FUNCTIONS = {
    "pg_last_copy_count",
    "pg_last_copy_id",
    "pg_backend_pid",
    "version",
    "octet_length",
    "to_char",
}  # sqlglot changes TO_CHAR's format

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
    exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead,
    exp.FirstValue, exp.LastValue, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Coalesce, exp.Nvl2, exp.Nullif,
    exp.Cast, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Substring, exp.Concat, exp.MD5, exp.Extract,
    exp.TsOrDsDiff, exp.TimestampTrunc, exp.Anonymous,
}  # fmt: skip

# Parts of a node that PostgreSQL has and Redshift lacks, or that mean another thing there.
LACKING_PARTS = {
    (exp.Lag, "default"): "third argument of LAG",
    (exp.Lead, "default"): "third argument of LEAD",
    (exp.Between, "symmetric"): "BETWEEN SYMMETRIC",
    (exp.CTE, "materialized"): "MATERIALIZED in WITH",
    (exp.Select, "windows"): "WINDOW clause: write the window in OVER",
    (exp.Select, "locks"): "SELECT FOR UPDATE: use LOCK",
    (exp.Table, "only"): "ONLY, for it has no inheritance",
}
_CLAUSES = "with_ expressions distinct from_ joins where group having qualify order limit offset windows locks"
PARTS = {  # node -> its parts that are covered; a node that is not here is covered whole
    exp.Select: _CLAUSES, exp.Union: "with_ this expression distinct order limit offset",
    exp.Except: "with_ this expression distinct order limit offset",
    exp.Intersect: "with_ this expression distinct order limit offset",
    exp.Subquery: "this alias", exp.Table: "this alias db joins only sample", exp.With: "expressions",
    exp.CTE: "this alias materialized", exp.Join: "this on using side kind method", exp.Group: "expressions",
    exp.Limit: "expression", exp.Star: "", exp.Values: "expressions",
    exp.Insert: "with_ this expression default conflict returning",
    exp.Update: "with_ this expressions from_ where returning",
    exp.Delete: "with_ this using where returning",
    exp.Merge: "this using on whens returning", exp.When: "matched then",
    exp.Create: "this kind expression exists properties replace",
    exp.Drop: "this kind tables expressions exists cascade",
    exp.GeneratedAsIdentityColumnConstraint: "this start increment",
    exp.Window: "this partition_by order spec over", exp.WindowSpec: "kind start start_side end end_side",
    exp.Count: "this big_int", exp.Min: "this", exp.Max: "this", exp.Ceil: "this", exp.Floor: "this",
    exp.Round: "this decimals", exp.Trim: "this expression position", exp.Length: "this", exp.Cast: "this to",
    exp.Lag: "this offset default", exp.Lead: "this offset default", exp.TimestampTrunc: "this unit",
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
# TO_CHAR's patterns of a point in time that both engines print alike; between them anything but a letter or a digit.
TIME_FORMAT = (
    r"([^A-Za-z0-9]|FM|YYYY|YY|IYYY|MONTH|Month|month|MON|Mon|mon|MM|DAY|Day|day|DY|Dy|dy|DDD|DD|D|WW|IW|Q|"
    r"HH24|HH12|HH|MI|SS|MS|US|AM|PM|am|pm)*"
)

DATE_PARTS = {  # Redshift's word -> PostgreSQL's
    **{part: part for part in ("year", "quarter", "month", "week", "day", "hour", "minute", "dow", "doy")},
    "weekday": "dow",
    "dayofweek": "dow",
}
TRUNCATIONS = {"second", "minute", "hour", "day", "week", "month", "quarter", "year"}  # DATE_TRUNC's units
DIFFERENCES = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}  # DATEDIFF's units, in seconds

LONGEST = {  # Redshift's text types -> the most bytes; without a length: 256, CHAR 1
    exp.DType.VARCHAR: 65535, exp.DType.NVARCHAR: 65535, exp.DType.TEXT: 256,
    exp.DType.CHAR: 4096, exp.DType.NCHAR: 4096, exp.DType.BPCHAR: 256,
}  # fmt: skip
SINGLE_BYTE = {exp.DType.CHAR, exp.DType.NCHAR, exp.DType.BPCHAR}
TYPES = {
    *LONGEST,
    exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.DECIMAL, exp.DType.FLOAT, exp.DType.DOUBLE,
    exp.DType.BOOLEAN, exp.DType.DATE, exp.DType.TIMESTAMP,
}  # fmt: skip
LACKING_TYPES = {
    exp.DType.JSON, exp.DType.JSONB, exp.DType.UUID, exp.DType.ARRAY, exp.DType.ENUM, exp.DType.SERIAL,
    exp.DType.BIGSERIAL, exp.DType.SMALLSERIAL, exp.DType.MONEY, exp.DType.XML, exp.DType.INET,
}  # fmt: skip

RANKINGS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead)
KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)
