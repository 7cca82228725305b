"""What the dialect knows: the SQL that it passes on, and what it says of the SQL that Redshift lacks.

Everything here means the same in Redshift and in PostgreSQL, or is rewritten (rewrite.py, functions.py, queries.py), or
is a function or operator of system_sql/. What is in no list is refused.
"""

import re
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
# DEFAULT is a value of INSERT, too, OID a column of the catalog, and TIMESTAMP a column in AWS's own examples.
RESERVED = reserved_words.RESERVED - {"default", "oid", "timestamp"}
OTHER_VERBS, SYSTEM_RELATIONS, LEADER_FUNCTIONS, COMPARED, DISTINCT = (
    {word for line in _WORDS[name] for word in line.split()}
    for name in ("other_verbs", "system_relations", "leader_functions", "compared", "distinct")
)

VERBS = {"(", "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER"}
CREATED = {"TABLE", "VIEW", "SCHEMA", "TEMP", "TEMPORARY", "LOCAL", "OR"}
STATEMENTS = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter)
# Statements that run as they are, and those that run otherwise; a pattern is matched on the text with single spaces.
_PATTERNS: dict[str, str] = {}
for _name, _pattern in _WORDS["patterns"].items():
    _PATTERNS[_name] = re.sub(r"<(\w+)>", lambda found: _PATTERNS[found[1]], _pattern.strip())
PLAIN_STATEMENTS = {name: pattern for name, pattern in _PATTERNS.items() if name.isupper()}
REPLACED = [(_PATTERNS[name], to.strip()) for name, to in _WORDS["replaced"].items()]
SETTINGS = {name: default.strip() for name, default in _WORDS["settings"].items()}
SERVER_SETTINGS = ("search_path", "statement_timeout", "datestyle", "extra_float_digits", "seed", "server_version")

LACKING = {getattr(exp, node): name.strip() for node, name in _WORDS["lacking_nodes"].items()}

FUNCTIONS: dict[str, tuple[int, int]] = {}  # name -> the fewest and most arguments
for _numbers, _names in _WORDS["functions"].items():
    _fewest, _, _most = _numbers.partition("-")
    FUNCTIONS |= dict.fromkeys(_names.split(), (int(_fewest), int(_most or _fewest)))
PARSED_FUNCTIONS = ("CAST", "CONVERT", "EXTRACT", "TRIM", "POSITION")  # with a form of their own, for sqlglot's parser
CONSTANTS = {word: tuple(parts.split()) for word, parts in _WORDS["constants"].items()}
COLUMN_NAMES = {function: name.strip() for function, name in _WORDS["column_names"].items()}
OF_TEXT = {name: int(place) for place, names in _WORDS["of_text"].items() for name in names.split()}
TYPE_NAMES = {exp.DType[kind]: name.strip() for kind, name in _WORDS["types"].items()}

# Everything else a statement is made of, and what Redshift lacks of it.
PARTS = {getattr(exp, node): set(parts.split()) for node, parts in _WORDS["parts"].items()}
NODES = {getattr(exp, node) for nodes in _WORDS["nodes"] for node in nodes.split()} | PARTS.keys()
LACKING_PARTS = {
    (getattr(exp, node), part): name.strip()
    for pair, name in _WORDS["lacking_parts"].items()
    for node, part in [pair.split()]
}

SYSTEM_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}
ATTRIBUTES = {word: set(following.split()) for word, following in _WORDS["attributes"].items()}
FORMAT = _PATTERNS["format"]  # of TO_CHAR

UNITS = {spelling: unit for unit, names in _WORDS["units"].items() for spelling in (unit, *names.split())}
LENGTHS = set(list(_WORDS["units"])[:13])  # units to add, to count and to truncate to

LONGEST = {  # Redshift's text types -> the most bytes; without a length: 256, CHAR 1
    exp.DType.VARCHAR: 65535, exp.DType.NVARCHAR: 65535, exp.DType.TEXT: 256,
    exp.DType.CHAR: 4096, exp.DType.NCHAR: 4096, exp.DType.BPCHAR: 256,
}  # fmt: skip
WHOLE = {exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
SINGLE_BYTE = {exp.DType.CHAR, exp.DType.NCHAR, exp.DType.BPCHAR}
LACKING_TYPES = {exp.DType[kind] for kinds in _WORDS["lacking_types"] for kind in kinds.split()}

# Window functions that need no frame with an ORDER BY, and may have none.
RANKINGS = {"row_number", "rank", "dense_rank", "ntile", "percent_rank", "cume_dist", "lag", "lead"}
IDENTITIES = (exp.GeneratedAsIdentityColumnConstraint, exp.AutoIncrementColumnConstraint)
KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)
SYSTEM_RELATION = r"(stl|stv|svl|svv|svcs|sys|pg)_\w+"  # of these, what is not in SYSTEM_RELATIONS is refused
