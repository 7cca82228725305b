"""Redshift's functions in PostgreSQL's words, where the name or the form differs: each a few lines."""

from collections.abc import Callable

import sqlglot
from sqlglot import exp

from infra.errors import LackingError, NotSupportedError
from infra.local.dialect import supported


def call(name: str, *arguments: exp.Expr | str) -> exp.Anonymous:
    """A call of a function; a str is a string."""
    return exp.Anonymous(
        this=name,
        expressions=[exp.Literal.string(part) if isinstance(part, str) else part.copy() for part in arguments],
    )


def postgres(text: str) -> exp.Expr:
    """The tree of an expression of PostgreSQL's."""
    return sqlglot.parse_one(text, dialect="postgres")


def moment(node: exp.Expr) -> exp.Expr:
    """A point in time of any type as a TIMESTAMP."""
    return call("moment", node)


def unit_of(node: exp.Expr, function: str) -> str:
    """The one spelling of a unit of time, written as a word or a string."""
    name = node.name.lower()
    if name not in supported.UNITS:
        raise NotSupportedError(f'"{node.name}" is not a date part that {function} knows.')
    return supported.UNITS[name]


def boundary_unit(node: exp.Expr, function: str) -> str:
    """A unit with a length, so neither a day of the week nor an epoch."""
    unit = unit_of(node, function)
    if unit not in supported.LENGTHS:
        raise NotSupportedError(f"The embedded warehouse does not cover {function}({node.name}).")
    return unit


def _dateadd(node: exp.Anonymous) -> exp.Expr:
    """A whole number of units; the unit may be a word or a string."""
    unit, number, start = node.expressions
    whole = exp.cast(call("cut", number), "bigint") if not isinstance(number, exp.Literal) else number
    return call("date_add", boundary_unit(unit, "DATEADD"), whole, start)


def _datediff(node: exp.Anonymous) -> exp.Expr:
    """The boundaries between two points in time of any type."""
    unit, start, finish = node.expressions
    return call("date_diff", boundary_unit(unit, "DATEDIFF"), moment(start), moment(finish))


def _date_part(node: exp.Anonymous) -> exp.Expr:
    """A DOUBLE PRECISION; the decade of the year 1 is the first."""
    unit = unit_of(node.expressions[0], "DATE_PART")
    if unit == "millisecond":
        raise NotSupportedError("The embedded warehouse does not cover DATE_PART(millisecond): use EXTRACT.")
    part: exp.Expr = call("date_part", unit, moment(node.expressions[1]))
    if unit == "decade":
        part = exp.Paren(this=exp.Add(this=part, expression=exp.Literal.number(1)))
    if unit == "microsecond":  # of the second
        part = exp.cast(call("mod", exp.cast(part, "bigint"), exp.Literal.number(1000000)), "double precision")
    return part


def _with(name: str, convert: Callable[[exp.Expr], exp.Expr], *places: int) -> Callable[[exp.Anonymous], exp.Expr]:
    """The same call under this name, its arguments at these places converted."""

    def rewrite(node: exp.Anonymous) -> exp.Expr:
        """That call."""
        parts = list(node.expressions)
        for place in places:
            parts[place] = convert(parts[place])
        return call(name, *parts)

    return rewrite


def _text(node: exp.Expr) -> exp.Expr:
    """The text of any value; what is written as a string is one."""
    return node if node.is_string else exp.cast(node.copy(), "text")


def _decode(node: exp.Anonymous) -> exp.Expr:
    """NULL equals NULL here."""
    value, *rest = node.expressions
    case = exp.Case()
    for search, result in zip(rest[::2], rest[1::2], strict=False):
        same = exp.NullSafeEQ(this=value.copy(), expression=search.copy())
        case = case.when(exp.Paren(this=same), result.copy(), copy=False)
    return case.else_(rest[-1].copy(), copy=False) if len(rest) % 2 else case


def _nvl2(node: exp.Anonymous) -> exp.Expr:
    """The second argument where the first is not NULL, else the third."""
    value, present, absent = node.expressions
    known = exp.Not(this=exp.Is(this=exp.Paren(this=value.copy()), expression=exp.Null()))
    return exp.Case().when(known, present.copy(), copy=False).else_(absent.copy(), copy=False)


def _json_path(node: exp.Anonymous) -> exp.Expr:
    """The last argument may be a Boolean: NULL for JSON that is not valid."""
    json, *path = node.expressions
    invalid_is_null = path.pop() if isinstance(path[-1], exp.Boolean) else exp.false()
    return call("json_path", json, invalid_is_null, *path)


def _listagg(node: exp.Anonymous, order: exp.Order | None, over: exp.Window | None = None) -> exp.Expr:
    """NULL and '' are left out, and of values with DISTINCT all but the first; over a window: its whole partition."""
    value, *delimiter = node.expressions
    distinct = isinstance(value, exp.Distinct)
    if distinct:
        value, *delimiter = value.expressions
    between = delimiter[0] if delimiter else exp.Literal.string("")
    cleaned = call("nullif", exp.cast(value.copy(), "text"), "")
    listed: exp.Expr = call("array_agg", cleaned) if distinct else call("string_agg", cleaned, between)
    if over:
        aggregate, listed = listed, over.copy()
        listed.set("this", aggregate)
        if order:
            listed.set("order", order.copy())
            listed.set("spec", _frame("UNBOUNDED", "PRECEDING", "UNBOUNDED", "FOLLOWING"))
    elif order:
        listed = postgres(f"{listed.sql('postgres')[:-1]} {order.sql('postgres')})")
    return call("listed", listed, between) if distinct else call("listed", listed)


def within_group(node: exp.WithinGroup) -> exp.Expr:
    """LISTAGG and the percentiles, whose order stands after them."""
    function, order = node.this, node.expression
    name = function.name.lower()
    if name == "listagg":
        return _listagg(function, order)
    fraction: exp.Expr = exp.cast(function.expressions[0].copy(), "double precision")
    value, descending = order.expressions[0].this, bool(order.expressions[0].args.get("desc"))
    if name == "percentile_disc" and not isinstance(node.parent, exp.Window):
        direction = " DESC" if descending else ""
        text = f"percentile_disc({fraction.sql('postgres')}) WITHIN GROUP (ORDER BY {value.sql('postgres')}{direction})"
        return postgres(text)
    if descending and name == "percentile_cont":
        fraction = exp.Paren(this=exp.Sub(this=exp.Literal.number(1), expression=fraction))
    if name == "percentile_disc":  # see window
        return node
    return call("percentile_of", value, fraction)


def window(node: exp.Window) -> exp.Expr:
    """Aggregates that PostgreSQL has not as window functions, and IGNORE NULLS."""
    inner = node.this
    if isinstance(inner, exp.WithinGroup) and inner.this.name.lower() == "listagg":
        return _listagg(inner.this, inner.expression, node)
    if isinstance(inner, exp.WithinGroup):
        values = node.copy()
        values.set("this", call("present", inner.expression.expressions[0].this))
        name = "disc_of_descending" if inner.expression.expressions[0].args.get("desc") else "disc_of"
        return call(name, values, exp.cast(inner.this.expressions[0].copy(), "double precision"))
    if isinstance(inner, exp.Anonymous) and inner.name.lower() == "listagg":
        return _listagg(inner, None, node)
    if isinstance(inner, exp.Anonymous) and inner.name.lower() == "ratio_to_report":
        value = inner.expressions[0]
        total = node.copy()
        total.set("this", call("sum", value))
        part = exp.cast(value.copy(), "double precision")
        return exp.Paren(this=exp.Div(this=part, expression=total, typed=True))
    if isinstance(inner, exp.Anonymous) and inner.name.lower() == "ntile":
        return exp.cast(node.copy(), "bigint")
    nulls = inner if isinstance(inner, exp.IgnoreNulls | exp.RespectNulls) else None
    if isinstance(inner, exp.Anonymous) and inner.expressions and isinstance(inner.expressions[0], exp.IgnoreNulls):
        nulls = inner.expressions[0]
        inner.expressions[0].replace(nulls.this.copy())
        nulls = exp.IgnoreNulls(this=inner)
    return node if nulls is None else _without_nulls(node, nulls)


def _frame(start: str | exp.Expr, start_side: str, end: str | exp.Expr, end_side: str) -> exp.WindowSpec:
    """ROWS BETWEEN ... AND ..."""
    return exp.WindowSpec(kind="ROWS", start=start, start_side=start_side, end=end, end_side=end_side)


def _without_nulls(node: exp.Window, nulls: exp.Expr) -> exp.Expr:
    """IGNORE NULLS by aggregates that skip them; LAG and LEAD look at the rows before and after."""
    function, over = nulls.this, node.copy()
    if isinstance(nulls, exp.RespectNulls):
        over.set("this", function.copy())
        return over
    name, value = function.name.lower(), function.expressions[0]
    one = exp.Literal.number(1)
    number = function.expressions[1].sql("postgres") if len(function.expressions) > 1 else "1"
    if name in ("first_value", "last_value"):
        over.set("this", call(name.replace("value", "present"), value))
        return over
    if name == "lag":
        over.set("spec", _frame("UNBOUNDED", "PRECEDING", one, "PRECEDING"))
    elif name == "lead":
        over.set("spec", _frame(one, "FOLLOWING", "UNBOUNDED", "FOLLOWING"))
    elif name != "nth_value":
        raise LackingError(f"Amazon Redshift has no IGNORE NULLS with {name.upper()}.")
    over.set("this", call("present", value))
    text = over.sql("postgres")
    place = f"cardinality({text}) + 1 - {number}" if name == "lag" else number
    return postgres(f"(array_at({text}, {place}))")


def units_as_strings(tree: exp.Expr) -> None:
    """A unit of time written as a word is no column."""
    for node in tree.find_all(exp.Anonymous):
        first = node.expressions[0] if node.expressions else None
        if node.name.lower() in _WITH_UNIT and isinstance(first, exp.Column) and not first.table:
            first.replace(exp.Literal.string(first.name))


_WITH_UNIT = {"dateadd", "date_add", "datediff", "date_diff", "date_part", "pgdate_part", "date_trunc"}
REWRITTEN: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "dateadd": _dateadd, "date_add": _dateadd, "datediff": _datediff, "date_diff": _datediff, "date_part": _date_part,
    "pgdate_part": _date_part, "convert_timezone": _with("convert_timezone", moment, -1), "decode": _decode,
    "nvl": lambda node: call("coalesce", *node.expressions), "nvl2": _nvl2, "json_extract_path_text": _json_path,
    "date_trunc": _with("date_trunc", lambda unit: exp.Literal.string(boundary_unit(unit, "DATE_TRUNC")), 0),
    "median": lambda node: call("percentile_of", node.expressions[0], postgres("CAST(0.5 AS DOUBLE PRECISION)")),
    "listagg": lambda node: _listagg(node, None), "grouping_id": lambda node: call("grouping", *node.expressions),
    **{name: _with(name, moment, 0) for name in ("last_day", "add_months", "next_day", "date_part_year")},
    "months_between": _with("months_between", moment, 0, 1),
    **dict.fromkeys(supported.COMPARED, _with("compare", moment, 0, 1)),
    **{name: _with(name, _text, place) for name, place in supported.OF_TEXT.items()},
}  # fmt: skip
