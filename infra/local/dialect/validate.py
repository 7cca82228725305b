"""What a parsed statement may hold: refuses everything that is not in the supported."""

import re
from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from infra.errors import LackingError, NotSupportedError
from infra.local.dialect import lexer, supported, tables


def nodes(tree: exp.Expr) -> None:
    """Refuse every construct, function and type that is not supported."""
    for node in tree.walk():
        for kind, name in supported.LACKING.items():
            if isinstance(node, kind):
                raise LackingError(f"Amazon Redshift has no {name}.")
        if type(node) not in supported.NODES:
            raise NotSupportedError(f"The embedded warehouse does not cover {_words(node)}.")
        for part, value in node.args.items():
            if value and (type(node), part) in supported.LACKING_PARTS:
                raise LackingError(f"Amazon Redshift has no {supported.LACKING_PARTS[type(node), part]}.")
            if value and part not in supported.PARTS.get(type(node), {part}):
                raise NotSupportedError(f"The embedded warehouse does not cover this form of {_words(node)}.")
        if checker := _CHECKERS.get(type(node)):
            checker(node)


def _words(node: exp.Expr) -> str:
    """The beginning of a node's SQL, for a message."""
    words = node.sql(dialect="redshift", unsupported_level=ErrorLevel.IGNORE).split()
    return " ".join(words)[:60] or node.key.upper()


def _drop(node: exp.Drop) -> None:
    """Only tables and views are dropped."""
    if node.kind not in ("TABLE", "VIEW") and not (node.kind == "COLUMN" and isinstance(node.parent, exp.Alter)):
        raise NotSupportedError(f"The embedded warehouse does not cover DROP {node.kind}.")


def _set_operation(node: exp.SetOperation) -> None:
    """Only UNION has ALL; LIMIT belongs to the whole."""
    if any(part.args.get("limit") or part.unnest().args.get("limit") for part in (node.left, node.right)):
        raise LackingError("LIMIT may not be used within input to set operations.")
    if not node.args.get("distinct") and not isinstance(node, exp.Union):
        raise LackingError(f"Amazon Redshift has no {node.key.upper()} ALL.")


def _select(node: exp.Select) -> None:
    """IS TRUE is a condition; LISTAGG, MEDIAN and the percentiles of one query share their order."""
    if not node.expressions:
        raise lexer.syntax_error("end of input")
    for part in node.expressions:
        if isinstance(part.unalias(), exp.Tuple):
            raise LackingError("Amazon Redshift has no row as a column.")
        inner = part.unalias().unnest()
        inner = inner.this if isinstance(inner, exp.Not) else inner
        if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Boolean):
            raise LackingError("Amazon Redshift has no IS TRUE or IS FALSE as a column, only in WHERE: write = TRUE.")
    orders = set()
    for call in node.find_all(exp.WithinGroup, exp.Anonymous):
        if call.parent_select is not node:
            continue
        if isinstance(call, exp.WithinGroup) and not isinstance(call.parent, exp.Window):
            orders.add(tuple(part.this.sql() for part in call.expression.expressions) if call.expression else ())
        elif call.name.lower() == "median" and not isinstance(call.parent, exp.Window):
            orders.add(tuple(part.sql() for part in call.expressions))
    if len(orders) > 1:
        raise LackingError("within group ORDER BY clauses for aggregate functions must be the same")


def _values(node: exp.Values) -> None:
    """VALUES belongs to INSERT."""
    if not isinstance(node.parent, exp.Insert):
        raise LackingError("Amazon Redshift has no VALUES outside INSERT: use SELECT and UNION ALL.")
    if len(node.expressions) > 1 and node.find(exp.Select):
        raise LackingError("cannot use subqueries in multi-row VALUES")


def _with_query(node: exp.CTE) -> None:
    """WITH names queries; one that is recursive names its columns."""
    if not isinstance(node.this, exp.Query):
        raise LackingError("Amazon Redshift has no INSERT, UPDATE or DELETE in WITH.")
    recursive = node.parent is not None and node.parent.args.get("recursive")
    named = recursive and any(table.name.lower() == node.alias.lower() for table in node.find_all(exp.Table))
    if named and not node.args["alias"].args.get("columns"):
        raise LackingError("Amazon Redshift's WITH RECURSIVE needs a list of columns: name them behind its name.")


def _type(node: exp.DataType) -> None:
    """Types of the vocabulary, with lengths that Redshift allows."""
    kind, numbers = node.this, [part.name.upper() for part in node.expressions]
    if kind in supported.LACKING_TYPES:
        name = kind.name if kind != exp.DType.ARRAY else "ARRAY: use SUPER"
        raise LackingError(f"Amazon Redshift has no type {name}.")
    if kind not in supported.TYPE_NAMES or (numbers and kind == exp.DType.TIMESTAMP):
        raise NotSupportedError(f"The embedded warehouse does not cover the type {node.sql(dialect='redshift')}.")
    longest = supported.LONGEST.get(kind, 38 if kind == exp.DType.DECIMAL else None)
    number = "MAX|[0-9]{1,9}" if kind in supported.LONGEST else "[0-9]{1,9}"
    if odd := [part for part in numbers if not re.fullmatch(number, part)]:
        raise lexer.syntax_error(odd[0])
    if kind == exp.DType.DECIMAL and len(numbers) == 2 and int(numbers[1]) > int(numbers[0]):
        raise LackingError(f"NUMERIC scale {numbers[1]} must be between 0 and precision {numbers[0]}")
    if longest and numbers and numbers[0] != "MAX" and not 0 < int(numbers[0]) <= longest:
        raise LackingError(f"length for type {kind.name.lower()} cannot exceed {longest}")


def _merge(node: exp.Merge) -> None:
    """Redshift's MERGE needs both of its clauses and a table as its source, and knows no other."""
    whens = node.args["whens"].expressions
    if len(whens) != 2 or {bool(when.args.get("matched")) for when in whens} != {True, False}:
        raise LackingError("Amazon Redshift's MERGE needs both WHEN MATCHED and WHEN NOT MATCHED.")
    if any(isinstance(when.args["then"], exp.Var) and when.args["then"].name.upper() != "DELETE" for when in whens):
        raise LackingError("Amazon Redshift's MERGE has no DO NOTHING.")
    if any(when.args.get("condition") or when.args.get("source") for when in whens):
        raise LackingError("Amazon Redshift's MERGE has no conditions after MATCHED.")
    if not isinstance(node.args["using"], exp.Table):
        raise LackingError("Amazon Redshift's MERGE takes a table as its source, not a subquery.")
    if node.this.alias:
        raise LackingError("Amazon Redshift's MERGE has no alias for its target.")


def _delete(node: exp.Delete) -> None:
    """DELETE names its table as it is."""
    if node.this.alias:
        raise LackingError("Amazon Redshift's DELETE has no alias for its table.")


def _identifier(node: exp.Identifier) -> None:
    """Names that Redshift reserves, and columns that only PostgreSQL has."""
    name, owner = node.name.lower(), node.parent
    if isinstance(owner, exp.Column) and owner.this is node and name in supported.SYSTEM_COLUMNS:
        raise LackingError(f"Amazon Redshift has no system column {name}.")
    if not node.quoted and not re.fullmatch(r"[\w#$]*", name):
        raise lexer.syntax_error(name)
    bare = isinstance(owner, exp.ColumnDef | exp.Table) or (isinstance(owner, exp.Column) and not owner.table)
    if isinstance(owner, exp.Column) and name in supported.CONSTANTS:
        return
    if bare and not node.quoted and name in supported.LEADER_FUNCTIONS & supported.RESERVED:
        raise NotSupportedError(f"The embedded warehouse does not cover {name.upper()}.")
    if bare and not node.quoted and name in supported.RESERVED:
        raise NotSupportedError(f'syntax error at or near "{node.name}", a reserved word in Amazon Redshift: quote it.')


def _function(node: exp.Anonymous) -> None:
    """A function of the list, with as many arguments as it takes."""
    name = node.name.lower()
    if name == "values" and node.find_ancestor(exp.Merge):
        return
    if name not in supported.FUNCTIONS:
        raise NotSupportedError(f"The embedded warehouse does not cover the function {name.upper()}.")
    arguments = node.expressions
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
        arguments = arguments[0].expressions
        if name not in supported.DISTINCT:
            raise LackingError(f"Amazon Redshift has no DISTINCT in {name.upper()}.")
        if name == "count" and len(arguments) > 1:
            raise LackingError("Amazon Redshift has no COUNT(DISTINCT ...) of several columns.")
    if odd := [part.key for part in arguments if isinstance(part, exp.Select | exp.SetOperation | exp.Order)]:
        raise lexer.syntax_error(odd[0])  # a query without its parentheses, or ORDER BY
    fewest, most = supported.FUNCTIONS[name]
    if not fewest <= len(arguments) <= most:
        raise LackingError(f"Amazon Redshift's {name.upper()} does not take {len(arguments)} arguments.")
    if name == "to_char" and not (arguments[1].is_string and re.fullmatch(supported.FORMAT, arguments[1].name)):
        shown = _words(arguments[1])
        raise NotSupportedError(f"The embedded warehouse does not cover TO_CHAR with the pattern {shown}.")
    if name in ("substring", "substr") and any(part.is_string for part in arguments[1:]):
        raise NotSupportedError("The embedded warehouse does not cover SUBSTRING with a pattern.")


def _within_group(node: exp.WithinGroup) -> None:
    """It orders the values of a LISTAGG, or the one of a percentile, by something."""
    if node.expression is None or not node.expression.expressions:
        raise lexer.syntax_error(")")
    name = node.this.name.lower()
    if name not in ("listagg", "percentile_cont", "percentile_disc"):
        raise LackingError(f"Amazon Redshift has no WITHIN GROUP with {name.upper()}.")
    if name != "listagg" and len(node.expression.expressions) > 1:
        raise LackingError(f"Amazon Redshift's {name.upper()} orders by one expression.")


def _pivot(node: exp.Pivot) -> None:
    """PIVOT takes the five simple aggregates and constants, UNPIVOT names columns."""
    field = node.args["fields"][0] if node.args.get("fields") else None
    if not isinstance(field, exp.In) or not field.expressions or not node.expressions:
        raise NotSupportedError("The embedded warehouse does not cover this form of PIVOT.")
    if node.args.get("unpivot"):
        if not all(isinstance(part.unalias(), exp.Column) for part in field.expressions):
            raise LackingError("Amazon Redshift's UNPIVOT takes columns alone.")
        return
    names = {part.unalias().name.lower() for part in node.expressions}
    if names - {"count", "sum", "min", "max", "avg"}:
        raise LackingError("Amazon Redshift's PIVOT takes COUNT, SUM, MIN, MAX and AVG alone.")
    if any(part.find(exp.Distinct) for part in node.expressions):
        raise NotSupportedError("The embedded warehouse does not cover DISTINCT in PIVOT.")
    if any(part.unalias().find(exp.Column, exp.Query) for part in field.expressions):
        raise LackingError("Amazon Redshift's PIVOT takes constants alone in its IN.")


def _window(node: exp.Window) -> None:
    """An aggregate with ORDER BY in OVER needs a frame, of ROWS; a ranking has none."""
    frame, order = node.args.get("spec"), node.args.get("order")
    if frame and (frame.args.get("kind") or "").upper() != "ROWS":
        raise LackingError("Amazon Redshift's windows have ROWS alone, not RANGE or GROUPS.")
    inner = node.this.this if isinstance(node.this, exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup) else node.this
    name = inner.name.lower()
    if frame and name in supported.RANKINGS:
        raise LackingError(f"Amazon Redshift has no frame in the window of {name.upper()}.")
    if order and not frame and name not in supported.RANKINGS:
        raise LackingError("Aggregate window functions with an ORDER BY clause require a frame clause")
    if order and any(isinstance(part.this, exp.Literal) for part in order.expressions):
        raise LackingError("constant expressions are not supported in the ORDER BY of a window")
    if name in ("count", "sum", "avg") and any(isinstance(part, exp.Distinct) for part in inner.expressions):
        raise NotSupportedError(f"The embedded warehouse does not cover {name.upper()}(DISTINCT) with OVER.")


def _comparison(node: exp.Binary) -> None:
    """Rows are not compared; ANY is =, and ALL is <>."""
    if isinstance(node.expression, exp.Any | exp.All):
        kind = exp.EQ if isinstance(node.expression, exp.Any) else exp.NEQ
        if type(node) is not kind:
            raise LackingError("Amazon Redshift has no ANY or SOME but with =, and no ALL but with <>.")
    if isinstance(node.this, exp.Tuple) or isinstance(node.expression, exp.Tuple):
        if isinstance(node.parent, exp.Update):
            raise LackingError("Amazon Redshift's SET takes one column and one expression.")
        raise LackingError("Amazon Redshift has no comparison of rows.")


def _table(node: exp.Table) -> None:
    """System tables and views are named as such where they are not imitated."""
    name, schema = node.name.lower(), node.db.lower()
    if schema in ("", "pg_catalog", "redshift") and re.fullmatch(supported.SYSTEM_RELATION, name):
        if name not in supported.SYSTEM_RELATIONS:
            raise NotSupportedError(f"The embedded warehouse does not cover the system view {name}.")
    elif schema == "redshift":
        raise NotSupportedError(f"schema {schema} does not exist")


def _cast(node: exp.Cast) -> None:
    """A cast to CHAR alone is as long as its value there, one character here."""
    if node.to.this in supported.SINGLE_BYTE and not node.to.expressions:
        raise NotSupportedError("The embedded warehouse does not cover a cast to CHAR without a length: use VARCHAR.")


_CHECKERS: dict[type[exp.Expr], Callable[..., None]] = {
    exp.Drop: _drop, exp.Union: _set_operation, exp.Except: _set_operation,
    exp.Intersect: _set_operation, exp.Select: _select,
    exp.Anonymous: _function, exp.Values: _values, exp.CTE: _with_query, exp.DataType: _type, exp.Cast: _cast,
    exp.Window: _window, exp.WithinGroup: _within_group, exp.Merge: _merge, exp.Delete: _delete,
    exp.Identifier: _identifier, exp.Table: _table, exp.Alter: tables.alter,
    exp.Pivot: _pivot,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _comparison),
}  # fmt: skip
