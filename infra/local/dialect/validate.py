"""What a parsed statement may hold: refuses everything that is not in the supported."""

import re

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from infra.errors import NotSupportedError
from infra.local.dialect import supported


def nodes(tree: exp.Expression) -> None:
    """Refuse every construct, function and type that is not in the supported."""
    for node in tree.walk():
        for kind, name in supported.LACKING.items():
            if isinstance(node, kind):
                raise NotSupportedError(f"Amazon Redshift has no {name}.", lacking=True)
        if type(node) is exp.Anonymous and node.name.lower() not in supported.NAMED_FUNCTIONS:
            raise NotSupportedError(f"The stand-in does not cover the function {node.name.upper()}.")
        if type(node) not in supported.NODES:
            raise NotSupportedError(f"The stand-in does not cover {_words(node)}.")
        for part, value in node.args.items():
            if value and (type(node), part) in supported.LACKING_PARTS:
                raise NotSupportedError(
                    f"Amazon Redshift has no {supported.LACKING_PARTS[type(node), part]}.", lacking=True
                )
            if value and part not in supported.PARTS.get(type(node), part).split():
                raise NotSupportedError(f"The stand-in does not cover this form of {_words(node)}.")
        if checker := _CHECKERS.get(type(node)):
            checker(node)


def _words(node: exp.Expression) -> str:
    """The beginning of a node's SQL, for a message."""
    words = node.sql(dialect="redshift", unsupported_level=ErrorLevel.IGNORE).split()
    return " ".join(words)[:60] or node.key.upper()


def create(tree: exp.Create, keys: list[str]) -> None:
    """Refuse CREATE of other things than tables and views, and a DISTKEY or SORTKEY that names no column."""
    if tree.kind not in ("TABLE", "VIEW") or (tree.kind == "TABLE" and tree.args.get("replace")):
        raise NotSupportedError(
            f"The stand-in does not cover CREATE {'OR REPLACE ' * bool(tree.args.get('replace'))}{tree.kind}."
        )
    if not isinstance(tree.this, exp.Schema) and not tree.expression:
        raise NotSupportedError("The stand-in does not cover a CREATE TABLE without columns.")
    columns = {column.name.lower() for column in tree.this.find_all(exp.ColumnDef)}
    unknown = [key for key in keys if columns and key.lower() not in columns]
    if unknown:
        raise NotSupportedError(f'column "{unknown[0]}" named in key does not exist')


def _drop(node: exp.Drop) -> None:
    """Only tables and views are dropped."""
    if node.kind not in ("TABLE", "VIEW"):
        raise NotSupportedError(f"The stand-in does not cover DROP {node.kind}.")


def _distinct(node: exp.Distinct) -> None:
    """DISTINCT stands alone in SELECT and before one argument in an aggregate."""
    if node.args.get("on"):
        raise NotSupportedError("Amazon Redshift has no DISTINCT ON: number the rows and keep the first.", lacking=True)
    if len(node.expressions) > 1:
        raise NotSupportedError("Amazon Redshift has no COUNT(DISTINCT ...) of several columns.", lacking=True)


def _set_operation(node: exp.SetOperation) -> None:
    """Only UNION has ALL."""
    if not node.args.get("distinct"):
        raise NotSupportedError(f"Amazon Redshift has no {node.key.upper()} ALL.", lacking=True)


def _if(node: exp.If) -> None:
    """A branch of CASE is an If too."""
    if not isinstance(node.parent, exp.Case):
        raise NotSupportedError("Amazon Redshift has no IF function: use CASE.", lacking=True)


def _concat(node: exp.Concat) -> None:
    """CONCAT takes two arguments there, any number in PostgreSQL."""
    if len(node.expressions) != 2:
        raise NotSupportedError("Amazon Redshift's CONCAT takes two arguments: use ||.", lacking=True)


def _substring(node: exp.Substring) -> None:
    """PostgreSQL's SUBSTRING also takes a pattern."""
    if any(isinstance(part, exp.Literal) and part.is_string for part in (node.args["start"], node.args.get("length"))):
        raise NotSupportedError("The stand-in does not cover SUBSTRING with a pattern.")


def _values(node: exp.Values) -> None:
    """VALUES belongs to INSERT."""
    if not isinstance(node.parent, exp.Insert):
        raise NotSupportedError("Amazon Redshift has no VALUES outside INSERT: use SELECT and UNION ALL.", lacking=True)


def _with_query(node: exp.CTE) -> None:
    """WITH names queries."""
    if not isinstance(node.this, exp.Query):
        raise NotSupportedError("Amazon Redshift has no INSERT, UPDATE or DELETE in WITH.", lacking=True)


def _extract(node: exp.Extract) -> None:
    """EXTRACT's parts."""
    if node.name.lower() not in supported.DATE_PARTS:
        raise NotSupportedError(f"The stand-in does not cover EXTRACT({node.name}).")


def _difference(node: exp.TsOrDsDiff) -> None:
    """DATEDIFF's units."""
    if node.unit.name.lower() not in supported.DIFFERENCES:
        raise NotSupportedError(f"The stand-in does not cover DATEDIFF({node.unit.name}).")


def _truncation(node: exp.TimestampTrunc) -> None:
    """DATE_TRUNC's units."""
    if node.unit.name.lower() not in supported.TRUNCATIONS:
        raise NotSupportedError(f"The stand-in does not cover DATE_TRUNC({node.unit.name}).")


def _named(node: exp.Anonymous) -> None:
    """TO_CHAR takes a point in time and a pattern that is written out."""
    if node.name.lower() == "to_char":
        pattern = node.expressions[-1]
        if not (pattern.is_string and re.fullmatch(supported.TIME_FORMAT, pattern.name)):
            raise NotSupportedError(f"The stand-in does not cover TO_CHAR with the pattern {_words(pattern)}.")


def _type(node: exp.DataType) -> None:
    """Types of the vocabulary, with lengths that Redshift allows."""
    kind, numbers = node.this, [part.name.upper() for part in node.expressions]
    if kind in supported.LACKING_TYPES:
        name = kind.name if kind != exp.DType.ARRAY else "ARRAY: use SUPER"
        raise NotSupportedError(f"Amazon Redshift has no type {name}.", lacking=True)
    if kind not in supported.TYPES or (numbers and kind == exp.DType.TIMESTAMP):
        raise NotSupportedError(f"The stand-in does not cover the type {node.sql(dialect='redshift')}.")
    if isinstance(node.parent, exp.Cast) and kind in supported.LONGEST:
        if numbers:  # cuts bytes there and characters here
            raise NotSupportedError("The stand-in does not cover a cast to a text type with a length.")
        if kind in supported.SINGLE_BYTE:  # as long as the value there, one character here
            raise NotSupportedError("The stand-in does not cover a cast to CHAR: use VARCHAR.")
    longest = supported.LONGEST.get(kind, 38 if kind == exp.DType.DECIMAL else None)
    if longest and numbers and numbers[0] != "MAX" and not 0 < int(numbers[0]) <= longest:
        raise NotSupportedError(f"length for type {kind.name.lower()} cannot exceed {longest}", lacking=True)


def _window(node: exp.Window) -> None:
    """An aggregate with ORDER BY in OVER needs a frame, of ROWS; a ranking has none."""
    frame = node.args.get("spec")
    if frame and frame.args.get("kind") != "ROWS":
        raise NotSupportedError("Amazon Redshift's windows have ROWS alone, not RANGE or GROUPS.", lacking=True)
    ranking = isinstance(node.this, supported.RANKINGS)
    if node.args.get("order") and not frame and not ranking:
        raise NotSupportedError(
            "Aggregate window functions with an ORDER BY clause require a frame clause", lacking=True
        )


def _merge(node: exp.Merge) -> None:
    """Redshift's MERGE needs both of its clauses and a table as its source, and knows no other."""
    whens = node.args["whens"].expressions
    if len(whens) != 2 or {bool(when.args.get("matched")) for when in whens} != {True, False}:
        raise NotSupportedError("Amazon Redshift's MERGE needs both WHEN MATCHED and WHEN NOT MATCHED.", lacking=True)
    if any(isinstance(when.args["then"], exp.Var) and when.args["then"].name != "DELETE" for when in whens):
        raise NotSupportedError("Amazon Redshift's MERGE has no DO NOTHING.", lacking=True)
    if any(when.args.get("condition") or when.args.get("source") for when in whens):
        raise NotSupportedError("Amazon Redshift's MERGE has no conditions after MATCHED.", lacking=True)
    if not isinstance(node.args["using"], exp.Table):
        raise NotSupportedError("Amazon Redshift's MERGE takes a table as its source, not a subquery.", lacking=True)
    if node.this.alias:
        raise NotSupportedError("Amazon Redshift's MERGE has no alias for its target.", lacking=True)


def _delete(node: exp.Delete) -> None:
    """DELETE names its table as it is."""
    if node.this.alias:
        raise NotSupportedError("Amazon Redshift's DELETE has no alias for its table.", lacking=True)


def _select(node: exp.Select) -> None:
    """QUALIFY becomes a subquery: its every column would show, and the clauses after it would come first."""
    if node.args.get("qualify") and node.is_star:
        raise NotSupportedError("The stand-in does not cover SELECT * with QUALIFY: name the columns.")
    if node.args.get("qualify") and any(node.args.get(part) for part in ("distinct", "order", "limit", "offset")):
        raise NotSupportedError(
            "The stand-in does not cover QUALIFY with DISTINCT, ORDER BY or LIMIT: put it into a subquery."
        )


def _identifier(node: exp.Identifier) -> None:
    """Names that Redshift reserves, and columns that only PostgreSQL has."""
    name, owner = node.name.lower(), node.parent
    if isinstance(owner, exp.Column) and owner.this is node and name in supported.SYSTEM_COLUMNS:
        raise NotSupportedError(f"Amazon Redshift has no system column {name}.", lacking=True)
    bare = isinstance(owner, exp.ColumnDef | exp.Table) or (isinstance(owner, exp.Column) and not owner.table)
    if bare and not node.quoted and name in supported.RESERVED:
        raise NotSupportedError(
            f'syntax error at or near "{node.name}", which is a reserved word in Amazon Redshift: quote it.'
        )


_CHECKERS = {
    exp.Drop: _drop, exp.Distinct: _distinct, exp.Except: _set_operation, exp.Intersect: _set_operation, exp.If: _if,
    exp.Concat: _concat, exp.Substring: _substring, exp.Values: _values, exp.CTE: _with_query, exp.Extract: _extract,
    exp.TsOrDsDiff: _difference, exp.TimestampTrunc: _truncation, exp.Anonymous: _named, exp.DataType: _type,
    exp.Window: _window, exp.Merge: _merge, exp.Delete: _delete, exp.Select: _select, exp.Identifier: _identifier,
}  # fmt: skip
