"""Redshift's functions in PostgreSQL's words, where the name or the form differs: each a few lines."""

from collections.abc import Callable
from itertools import zip_longest

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


def unit_of(node: exp.Expr) -> str:
    """The one spelling of a unit of time, written as a word or a string."""
    if node.name.lower() not in supported.UNITS:
        raise NotSupportedError(f'"{node.name}" is not a date part.')
    return supported.UNITS[node.name.lower()]


def _length(node: exp.Expr) -> exp.Expr:
    """A unit with a length, so neither a day of the week nor an epoch."""
    unit = unit_of(node)
    if unit not in supported.LENGTHS:
        raise NotSupportedError(f"The embedded warehouse does not cover {node.name} as a date part here.")
    return exp.Literal.string(unit)


def _whole(node: exp.Expr) -> exp.Expr:
    """A number without its fraction."""
    return node if isinstance(node, exp.Literal) else exp.cast(call("cut", node), "bigint")


def _date_part(node: exp.Anonymous) -> exp.Expr:
    """A DOUBLE PRECISION."""
    unit = unit_of(node.expressions[0])
    if unit == "millisecond":
        raise NotSupportedError("The embedded warehouse does not cover DATE_PART(millisecond): use EXTRACT.")
    return call("part_of", unit, moment(node.expressions[1]))


def _with(name: str, *converters: Callable[[exp.Expr], exp.Expr] | None) -> Callable[[exp.Anonymous], exp.Expr]:
    """A call under this name whose arguments are converted, each by its own."""

    def rewrite(node: exp.Anonymous) -> exp.Expr:
        """That call."""
        pairs = zip_longest(converters, node.expressions)
        return call(name, *(convert(part) if convert else part for convert, part in pairs))

    return rewrite


def _text(node: exp.Expr) -> exp.Expr:
    """The text of any value; what is written as a string is one."""
    return node if node.is_string else exp.cast(node.copy(), "text")


def _json_path(node: exp.Anonymous) -> exp.Expr:
    """The last argument may be a Boolean: NULL for JSON that is not valid."""
    json, *path = node.expressions
    invalid_is_null = path.pop() if isinstance(path[-1], exp.Boolean) else exp.false()
    return call("json_path", json, invalid_is_null, *path)


def _listagg(node: exp.Anonymous, order: exp.Order | None, over: exp.Window | None = None) -> exp.Expr:
    """NULL and '' are left out, and of values with DISTINCT all but the first; over a window: its whole partition."""
    distinct = isinstance(node.expressions[0], exp.Distinct)
    value, *delimiter = node.expressions[0].expressions if distinct else node.expressions
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


def _sorted(value: exp.Expr, over: exp.Window | None) -> exp.Expr:
    """The values of a group, or of a window, in order and without NULL."""
    if over is None:
        return call("sorted", value)
    window = over.copy()
    window.set("this", call("sorted", value))
    return window


def _median(node: exp.Anonymous, over: exp.Window | None = None) -> exp.Expr:
    """A percentile."""
    return call("cont_at", _sorted(node.expressions[0], over), exp.Literal.number("0.5"))


def within_group(node: exp.WithinGroup, over: exp.Window | None = None) -> exp.Expr:
    """LISTAGG and the percentiles, whose order stands after them."""
    function, name = node.this, node.this.name.lower()
    if name == "listagg":
        return _listagg(function, node.expression, over)
    ordered = node.expression.expressions[0]
    fraction: exp.Expr = exp.cast(function.expressions[0].copy(), "double precision")
    values, descending = _sorted(ordered.this, over), bool(ordered.args.get("desc"))
    if name == "percentile_disc":
        return call("disc_at", values, fraction, exp.Boolean(this=descending))
    if descending:
        fraction = exp.Paren(this=exp.Sub(this=exp.Literal.number(1), expression=fraction))
    return call("cont_at", values, fraction)


def window(node: exp.Window) -> exp.Expr:
    """Aggregates that PostgreSQL has not as window functions, and IGNORE NULLS."""
    inner = node.this
    if isinstance(inner, exp.WithinGroup):
        return within_group(inner, node)
    name = inner.name.lower()
    if name in ("listagg", "median"):
        return _median(inner, node) if name == "median" else _listagg(inner, None, node)
    if name == "ratio_to_report":
        value, total = inner.expressions[0], node.copy()
        total.set("this", call("sum", value))
        part = exp.cast(value.copy(), "double precision")
        return exp.Paren(this=exp.Div(this=part, expression=total, typed=True))
    if name == "ntile":
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
    """IGNORE NULLS by aggregates that skip them; LAG looks at the rows before, and LEAD is LAG from the other end."""
    function, over = nulls.this, node.copy()
    if isinstance(nulls, exp.RespectNulls):
        over.set("this", function.copy())
        return over
    name = function.name.lower()
    if name not in ("lag", "lead", "first_value", "last_value", "nth_value"):
        raise LackingError(f"Amazon Redshift has no IGNORE NULLS with {name.upper()}.")
    value, *more = function.expressions
    number = more[0].sql("postgres") if more else "1"
    if name in ("lag", "lead"):
        over.set("spec", _frame("UNBOUNDED", "PRECEDING", exp.Literal.number(1), "PRECEDING"))
    for part in over.args["order"].expressions if name == "lead" and over.args.get("order") else ():
        part.set("desc", not part.args.get("desc"))
        part.set("nulls_first", not part.args.get("nulls_first"))
    if number == "1":
        over.set("this", call("first_present" if name in ("first_value", "nth_value") else "last_present", value))
        return over
    over.set("this", call("present", value))
    text = over.sql("postgres")
    return postgres(f"(array_at({text}, {number if name == 'nth_value' else f'cardinality({text}) + 1 - {number}'}))")


def units_as_strings(tree: exp.Expr) -> None:
    """A unit of time written as a word is no column."""
    for node in tree.find_all(exp.Anonymous):
        first = node.expressions[0] if node.expressions else None
        if node.name.lower() in _WITH_UNIT and isinstance(first, exp.Column) and not first.table:
            first.replace(exp.Literal.string(first.name))


_WITH_UNIT = {"dateadd", "date_add", "datediff", "date_diff", "date_part", "pgdate_part", "date_trunc"}
REWRITTEN: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    **dict.fromkeys(("dateadd", "date_add"), _with("date_add", _length, _whole)),
    **dict.fromkeys(("datediff", "date_diff"), _with("date_diff", _length, moment, moment)),
    **dict.fromkeys(("date_part", "pgdate_part"), _date_part), "date_trunc": _with("date_trunc", _length),
    **{name: _with(name, moment) for name in ("last_day", "add_months", "next_day", "date_part_year")},
    **dict.fromkeys(supported.COMPARED, _with("compare", moment, moment)),
    "months_between": _with("months_between", moment, moment),
    "convert_timezone": lambda node: call(node.name, *node.expressions[:-1], moment(node.expressions[-1])),
    "decode": lambda node: exp.DecodeCase(expressions=node.expressions),
    "nvl": lambda node: call("coalesce", *node.expressions), "json_extract_path_text": _json_path,
    "nvl2": lambda node: exp.Nvl2(**dict(zip(("this", "true", "false"), node.expressions, strict=True))),
    "listagg": lambda node: _listagg(node, None), "median": _median,
    "grouping_id": lambda node: call("grouping", *node.expressions),
    **{name: _with(name, *[None] * place, _text) for name, place in supported.OF_TEXT.items()},
}  # fmt: skip
