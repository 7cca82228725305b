"""What the dialect knows: the SQL that it passes on, and what it says of the SQL that Redshift lacks.

Everything here means the same in Redshift and in PostgreSQL, or is rewritten (rewrite.py, functions.py, queries.py), or
is a function or operator of system_sql/. What is in no list is refused.
"""

from pathlib import Path

from sqlglot import exp

from infra import reserved_words


def _read_words() -> dict[str, dict[str, str]]:
    """The sections of words.txt; entries of a function's number of arguments add up."""
    sections: dict[str, dict[str, str]] = {}
    entries: dict[str, str] = {}
    for line in (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            entries = sections.setdefault(line[3:].partition(":")[0], {})
        elif line and not line.startswith("#"):
            word, _, rest = line.partition(":")
            entries[word] = f"{entries.get(word, '')} {rest.strip()}".strip() if word in entries else rest
    return sections


_WORDS = _read_words()
LACKING_STATEMENTS = _WORDS["lacking_statements"]
LACKING_FUNCTIONS = {name: instead for names, instead in _WORDS["lacking_functions"].items() for name in names.split()}
LACKING_WORDS = {words: name.strip() for words, name in _WORDS["lacking_words"].items()}
# DEFAULT is a value of INSERT, too, and OID a column of the catalog.
RESERVED = reserved_words.RESERVED - {"default", "oid"}
OTHER_VERBS, SYSTEM_RELATIONS = (
    {word for line in _WORDS[name] for word in line.split()} for name in ("other_verbs", "system_relations")
)

VERBS = {"(", "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER"}
CREATED = {"TABLE", "VIEW", "SCHEMA", "TEMP", "TEMPORARY", "LOCAL", "OR"}
STATEMENTS = (
    exp.Select, exp.SetOperation, exp.Subquery, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop,
    exp.Alter,
)  # fmt: skip
# Statements that run as they are; the pattern is matched on the text with single spaces.
_NAME = r'[\w."#]+'
_TRANSACTION = r"( WORK| TRANSACTION)?(,? ?(ISOLATION LEVEL (SERIALIZABLE|READ (UN)?COMMITTED|REPEATABLE READ)|READ (ONLY|WRITE)))*$"  # noqa: E501
_PRIVILEGES = r"(ALL( PRIVILEGES)?|(SELECT|INSERT|UPDATE|DELETE|REFERENCES|USAGE|CREATE|TRUNCATE|, ?)+)"
_PEOPLE = rf"(GROUP )?{_NAME}(, ?(GROUP )?{_NAME})*"
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
    "COMMENT": rf"COMMENT ON (TABLE|COLUMN|VIEW|SCHEMA) {_NAME} IS ",
    "GRANT": rf"GRANT {_PRIVILEGES} {_OBJECTS} TO {_PEOPLE}( WITH GRANT OPTION)?$",
    "REVOKE": rf"REVOKE {_PRIVILEGES} {_OBJECTS} FROM {_PEOPLE}$",
    "VACUUM": r"VACUUM$",
    "ANALYZE": r"ANALYZE$",
    "FETCH": rf"FETCH( NEXT| ALL| FORWARD( \d+| ALL)?)? FROM {_NAME}$",
    "CLOSE": rf"CLOSE {_NAME}$",
    "EXECUTE": r"EXECUTE \w+( ?\(.*\))?$",
    "DEALLOCATE": r"DEALLOCATE( PREPARE)? \w+$",
}
# Statements that run otherwise: what only a cluster does leaves its table as it is.
_ATTRIBUTE = r"(DIST(STYLE (ALL|EVEN|AUTO|KEY DISTKEY \w+)|KEY \w+)|(COMPOUND )?SORTKEY ?(AUTO|NONE|\([\w, ]+\))|ENCODE AUTO|(COLUMN )?\w+ ENCODE \w+)"  # noqa: E501
_KEY = r"(PRIMARY KEY|UNIQUE|FOREIGN KEY) ?\([\w, ]+\)( ?REFERENCES [\w.]+( ?\([\w, ]+\))?)?"
REPLACED = (
    (rf"ALTER TABLE ({_NAME}) ALTER {_ATTRIBUTE}(, ?ALTER {_ATTRIBUTE})*$", r"ALTER TABLE \1 RESET (fillfactor)"),
    (rf"ALTER TABLE ({_NAME}) ADD (CONSTRAINT \w+ )?{_KEY}$", r"ALTER TABLE \1 RESET (fillfactor)"),
    (rf"ALTER TABLE ({_NAME}) ALTER( COLUMN)? (\w+) TYPE VARCHAR ?\((\d+)\)$", r"CALL redshift.widen('\1', '\3', \4)"),
    (
        rf"VACUUM( FULL| SORT ONLY| DELETE ONLY| REINDEX| RECLUSTER)?( {_NAME})?( TO \d+ PERCENT)?( BOOST)?$",
        r"VACUUM\2",
    ),
    (rf"ANALYZE( VERBOSE)?( {_NAME})?( ?\([\w, ]+\)| PREDICATE COLUMNS| ALL COLUMNS)?$", r"ANALYZE\2"),
)
SETTINGS = {name: default.strip() for name, default in _WORDS["settings"].items()}
SERVER_SETTINGS = ("search_path", "statement_timeout", "datestyle", "extra_float_digits", "seed", "server_version")

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

FUNCTIONS: dict[str, tuple[int, int]] = {}  # name -> the fewest and most arguments
for _numbers, _names in _WORDS["functions"].items():
    _fewest, _, _most = _numbers.partition("-")
    FUNCTIONS |= dict.fromkeys(_names.split(), (int(_fewest), int(_most or _fewest)))
PARSED_FUNCTIONS = ("CAST", "CONVERT", "EXTRACT", "TRIM", "POSITION")  # with a form of their own, for sqlglot's parser
LEADER_FUNCTIONS = {
    "current_schema", "current_schemas", "current_database", "now", "age", "localtime", "localtimestamp", "isfinite",
    "current_time", "current_timestamp", "has_database_privilege", "has_schema_privilege", "has_table_privilege",
}  # fmt: skip

# Words that are functions without parentheses -> PostgreSQL's text and the column's name.
CONSTANTS = {
    "sysdate": ("sysdate()", "timestamp"),
    "current_date": ("CURRENT_DATE", "date"),
    "current_timestamp": ("CURRENT_TIMESTAMP", "timestamptz"),
    "current_user": ("CURRENT_USER", "current_user"),
    "session_user": ("SESSION_USER", "session_user"),
    "user": ("CURRENT_USER", "current_user"),
    "current_user_id": ("100", "current_user_id"),
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
    exp.NullSafeEQ, exp.SchemaCommentProperty, exp.Parameter,
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
    exp.Trim: "this expression position",
    exp.Column: "this table db", exp.Cast: "this to", exp.StrPosition: "this substr",
    exp.Pivot: "expressions fields unpivot include_nulls alias columns identify_pivot_strings pivot_column_naming",
}  # fmt: skip

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

UNITS = {spelling: unit for unit, names in _WORDS["units"].items() for spelling in (unit, *names.split())}
LENGTHS = set(list(_WORDS["units"])[:13])  # units to add, to count and to truncate to

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
KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)

# Names of system tables and views; those that are not in SYSTEM_RELATIONS are refused as such.
SYSTEM_RELATION = r"(stl|stv|svl|svv|svcs|sys|pg)_\w+"
