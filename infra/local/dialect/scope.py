"""What a query's tables offer: their columns, by the catalog or by the query that makes them, and DECIMALs' digits."""

from sqlglot import exp

from infra.local.dialect import lexer

Columns = dict[str, dict[str, str]]  # table -> column -> type, as PostgreSQL writes it
Kind = tuple[str, int, int]  # ("integer" | "decimal" | "float", precision, scale)

_INTEGERS = {"smallint": 5, "integer": 10, "bigint": 19}
_DATATYPES = {exp.DType.SMALLINT: 5, exp.DType.INT: 10, exp.DType.BIGINT: 19}
_AGGREGATES = {
    "min", "max", "nullif", "abs", "ceil", "ceiling", "floor", "sign", "first_value", "last_value", "lag", "lead",
    "nth_value",
}  # fmt: skip
_SPREADS = ("stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop")
FLOAT: Kind = ("float", 0, 0)


class NeedsColumns(Exception):
    """The meaning of the statement depends on what columns its tables have."""


def sources(select: exp.Expr) -> list[exp.Expr]:
    """The tables and subqueries of a SELECT's FROM and JOINs."""
    found: list[exp.Expr] = []
    clauses = [select.args.get("from_"), *(select.args.get("joins") or [])]
    pending = [clause.this for clause in clauses if clause]
    while pending:
        source = pending.pop(0)
        if isinstance(source, exp.Subquery | exp.Paren) and isinstance(source.this, exp.Table):  # joins in parentheses
            pending.insert(0, source.this)
        else:
            found.append(source)
        pending[:0] = [join.this for join in source.args.get("joins") or []]
    return found


def query_of(source: exp.Expr) -> exp.Expr | None:
    """The query behind a subquery or a WITH name; None for a table."""
    if isinstance(source, exp.Subquery):
        inner: exp.Expr = source.this
        return inner
    if isinstance(source, exp.Table) and not source.args.get("db"):
        node = source.parent
        while node is not None:
            with_ = node.args.get("with_")
            for cte in with_.expressions if with_ else []:
                query: exp.Expr = cte.this
                if cte.alias.lower() == source.name.lower() and not is_in(source, query):
                    return query
            node = node.parent
    return None


def is_in(node: exp.Expr, above: exp.Expr) -> bool:
    """Whether `node` is `above` or below it."""
    while node is not above and node.parent is not None:
        node = node.parent
    return node is above


def names(source: exp.Expr, columns: Columns | None) -> list[str]:
    """The columns of one table or subquery, in order. Raises NeedsColumns for a table that is not looked up yet."""
    if listed := source.alias_column_names:
        return [name.lower() for name in listed]
    query = query_of(source)
    if query is None:
        if columns is None:
            raise NeedsColumns
        return list(columns.get(table_name(source), {}))
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if isinstance(query.parent, exp.CTE) and query.parent.alias_column_names:
        return [name.lower() for name in query.parent.alias_column_names]
    return [name for part in query.expressions for name in _projected(query, part, columns)]


def _projected(query: exp.Expr, part: exp.Expr, columns: Columns | None) -> list[str]:
    """The names that one part of a select list gives."""
    if isinstance(part, exp.Star):
        return [name for source in sources(query) for name in names(source, columns)]
    if isinstance(part, exp.Column) and isinstance(part.this, exp.Star):
        return [
            name for source in sources(query) if source.alias_or_name == part.table for name in names(source, columns)
        ]
    return [part.alias_or_name.lower()]


def table_name(table: exp.Expr) -> str:
    """The name to look a table up by."""
    parts = [table.args["db"].name] if table.args.get("db") else []
    return ".".join(f'"{lexer.folded(part)}"' for part in [*parts, table.name])


def kind(node: exp.Expr, select: exp.Expr | None, columns: Columns | None) -> Kind | None:
    """The numeric type of an expression in a SELECT, or None where it cannot be told."""
    if isinstance(node, exp.Paren | exp.Neg):
        return kind(node.this, select, columns)
    if isinstance(node, exp.Literal):
        return _literal(node)
    if isinstance(node, exp.Cast):
        return _declared(node.to)
    if isinstance(node, exp.Column):
        return _column(node, select, columns)
    if isinstance(node, exp.Window):
        return kind(node.this, select, columns)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and node.this.expressions:
        return kind(node.this.expressions[0].unalias(), node.this, columns)
    if isinstance(node, exp.Case):
        branches = [part.args["true"] for part in node.args["ifs"]] + [node.args.get("default")]
        return _common([kind(part, select, columns) for part in branches if part and not isinstance(part, exp.Null)])
    if isinstance(node, exp.Anonymous):
        return _function(node, select, columns)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return combined(node, kind(node.this, select, columns), kind(node.expression, select, columns))
    return None


def combined(node: exp.Expr, left: Kind | None, right: Kind | None) -> Kind | None:
    """The type of a sum, product or quotient: AWS, Computations with numeric values."""
    if left == FLOAT or right == FLOAT:
        return FLOAT
    if not left or not right:
        return None
    if left[0] == right[0] == "integer":
        return ("integer", max(left[1], right[1]), 0)
    (_, p1, s1), (_, p2, s2) = left, right
    if isinstance(node, exp.Mul):
        return _bounded(p1 + p2 + 1, s1 + s2)
    if isinstance(node, exp.Div):
        scale = max(4, s1 + p2 - s2 + 1)
        precision = p1 - s1 + s2 + scale
        return ("decimal", precision, scale) if precision <= 38 else ("decimal", 38, max(38 + scale - precision, 4))
    scale = max(s1, s2)
    return _bounded(max(p1 - s1, p2 - s2) + 1 + scale, scale)


def _bounded(precision: int, scale: int) -> Kind:
    """At most 38 digits."""
    return ("decimal", min(precision, 38), min(scale, 37))


def _literal(node: exp.Literal) -> Kind | None:
    """By its digits."""
    if node.is_string:
        return None
    whole, _, fraction = node.name.partition(".")
    if "e" in node.name.lower():
        return FLOAT
    if fraction or "." in node.name:
        return ("decimal", max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    return ("integer", 10 if int(whole) < 2**31 else 19, 0)


def _declared(to: exp.DataType) -> Kind | None:
    """By the type that a cast names."""
    if to.this in _DATATYPES:
        return ("integer", _DATATYPES[to.this], 0)
    if to.this in (exp.DType.FLOAT, exp.DType.DOUBLE):
        return FLOAT
    if to.this == exp.DType.DECIMAL:
        numbers = [int(part.name) for part in to.expressions] or [18]
        return ("decimal", numbers[0], numbers[1] if len(numbers) > 1 else 0)
    return None


def _column(node: exp.Column, select: exp.Expr | None, columns: Columns | None) -> Kind | None:
    """By the table that has it; of several, their types must agree."""
    while select is not None:
        for source in sources(select) if isinstance(select, exp.Select) else []:
            if node.table and source.alias_or_name.lower() != node.table.lower():
                continue
            if node.name.lower() in names(source, columns):
                return _sourced(source, node.name.lower(), columns)
        select = select.parent_select
    return None


def _sourced(source: exp.Expr, name: str, columns: Columns | None) -> Kind | None:
    """Of a column of one table or subquery."""
    query = query_of(source)
    if query is None:
        return _typed((columns or {}).get(table_name(source), {}).get(name, ""))
    while isinstance(query, exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):  # a set operation has a type of its own
        return None
    for part in query.expressions:
        if part.alias_or_name.lower() == name:
            return kind(part.unalias(), query, columns)
    stars = [inner for inner in sources(query) if name in names(inner, columns)]
    return _sourced(stars[0], name, columns) if stars else None


def _typed(text: str) -> Kind | None:
    """Of PostgreSQL's text of a type."""
    if text in _INTEGERS:
        return ("integer", _INTEGERS[text], 0)
    if text in ("real", "double precision"):
        return FLOAT
    if text.startswith("numeric("):
        precision, scale = text[8:-1].split(",")
        return ("decimal", int(precision), int(scale))
    return None


def _function(node: exp.Anonymous, select: exp.Expr | None, columns: Columns | None) -> Kind | None:
    """By the name and what it takes."""
    name = node.name.lower()
    if name in ("count", "datediff", "len", "row_number", "rank", "dense_rank", "ntile"):
        return ("integer", 19, 0)
    if name in ("sqrt", "power", "pow", "ln", "log", "exp", "median", "random", *_SPREADS):
        return FLOAT
    if not node.expressions:
        return None
    first = node.expressions[0]
    inner = kind(first.expressions[0] if isinstance(first, exp.Distinct) else first, select, columns)
    if name in ("sum", "avg") and inner and inner != FLOAT:
        if inner[0] == "integer":
            return ("integer", 19, 0) if inner[1] <= 10 or name == "avg" else ("decimal", 38, 0)
        return ("decimal", 38, inner[2])
    if name in ("coalesce", "nvl", "greatest", "least"):
        return _common([kind(part, select, columns) for part in node.expressions if not isinstance(part, exp.Null)])
    return inner if name in _AGGREGATES or inner == FLOAT else None


def _common(kinds: list[Kind | None]) -> Kind | None:
    """The type of several branches."""
    if not kinds or None in kinds:
        return None
    known = [each for each in kinds if each]
    if FLOAT in known:
        return FLOAT
    if all(each[0] == "integer" for each in known):
        return ("integer", max(each[1] for each in known), 0)
    scale = max(each[2] for each in known)
    return ("decimal", min(max(each[1] - each[2] for each in known) + scale, 38), scale)
