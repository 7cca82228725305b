"""What the stand-in's dialect knows: the SQL that it passes on, and what it says of the SQL that Redshift lacks.

Everything here means the same in Redshift and in PostgreSQL, or is rewritten in dialect.py, or is defined in
catalog.py. What is in no list is refused.
"""

from sqlglot import exp

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
    exp.GenerateSeries: "GENERATE_SERIES joined to tables",
    exp.ExplodingGenerateSeries: "GENERATE_SERIES joined to tables",
    exp.Lateral: "LATERAL",
    exp.JSONExtract: "-> on JSON",
    exp.JSONExtractScalar: "->> on JSON",
    exp.JSONBExtract: "#> on JSONB",
    exp.JSONBExtractScalar: "#>> on JSONB",
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
    "NEXTVAL": ": use an IDENTITY column",
    "GEN_RANDOM_UUID": "",
    "AGE": ": use DATEDIFF",
}

FUNCTIONS = (
    exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max,
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
    exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Coalesce, exp.Nullif, exp.Case, exp.If, exp.Cast, exp.Exists,
    exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Substring, exp.Concat, exp.MD5,
    exp.Extract, exp.TsOrDsDiff, exp.TimestampTrunc, exp.TimeToStr,
    exp.And, exp.Or, exp.Like, exp.ILike, exp.Values, exp.Anonymous,
)  # fmt: skip
NAMED_FUNCTIONS = {"pg_last_copy_count", "pg_last_copy_id", "pg_backend_pid", "version", "octet_length"}

DATE_PARTS = {  # Redshift's word -> PostgreSQL's
    **{part: part for part in ("year", "quarter", "month", "week", "day", "hour", "minute", "dow", "doy")},
    "weekday": "dow",
    "dayofweek": "dow",
}
DIFFERENCES = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}  # DATEDIFF's units, in seconds

TEXT_TYPES = {exp.DType.VARCHAR, exp.DType.CHAR}
TYPES = TEXT_TYPES | {
    exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.DECIMAL, exp.DType.FLOAT, exp.DType.DOUBLE,
    exp.DType.BOOLEAN, exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TEXT,
}  # fmt: skip
LACKING_TYPES = {
    exp.DType.JSON, exp.DType.JSONB, exp.DType.UUID, exp.DType.ARRAY, exp.DType.ENUM, exp.DType.SERIAL,
    exp.DType.BIGSERIAL, exp.DType.SMALLSERIAL, exp.DType.MONEY, exp.DType.XML, exp.DType.INET,
}  # fmt: skip

KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)
