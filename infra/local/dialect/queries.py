"""Clauses that PostgreSQL lacks, put into its words: aliases used again, QUALIFY, PIVOT, UNPIVOT; and default names."""

from functools import reduce

from sqlglot import exp

from infra.errors import LackingError, NotSupportedError
from infra.local.dialect import scope, supported
from infra.local.dialect.scope import Columns


def aliases(select: exp.Select, columns: Columns | None) -> None:
    """Put an alias's expression where the alias is used later in the list, in WHERE or QUALIFY.

    A column of the query's tables that has the name comes first. Raises scope.NeedsColumns.
    """
    known: dict[str, exp.Expr] = {}
    for part in select.expressions:
        if known:
            _substitute(part, known, select, columns)
        if isinstance(part, exp.Alias):
            known.setdefault(part.alias.lower(), part.this)
    for clause in ("where", "qualify"):
        if known and select.args.get(clause):
            _substitute(select.args[clause], known, select, columns)


def _substitute(node: exp.Expr, known: dict[str, exp.Expr], select: exp.Select, columns: Columns | None) -> None:
    """Replace the columns below `node` that are aliases."""
    for column in list(node.find_all(exp.Column)):
        name = column.name.lower()
        if column.table or name not in known or column.parent_select is not select or known[name] == column:
            continue
        if not any(name in scope.names(source, columns) for source in scope.sources(select)):
            column.replace(exp.Paren(this=known[name].copy()))


def outer_joins(select: exp.Select, columns: Columns | None) -> None:
    """Oracle's (+) behind columns in WHERE: their table is LEFT JOINed on the conditions that have it."""
    where = select.args.get("where") or exp.Where()
    if "from_" not in select.args or not any(column.args.get("join_mark") for column in where.find_all(exp.Column)):
        return
    _expand_stars(select, columns)
    tables = {source.alias_or_name.lower(): source for source in scope.sources(select)}
    if any(join.args.keys() != {"this"} for join in select.args.get("joins") or []):
        raise LackingError("Amazon Redshift has no (+) in a query that also has a JOIN.")
    conditions: dict[str, list[exp.Expr]] = {}
    others: dict[str, set[str]] = {}
    kept = []
    for part in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
        found = [(column, _owner(column, tables, columns)) for column in part.find_all(exp.Column)]
        outer = {name for column, name in found if column.args.get("join_mark")}
        named = {name for _, name in found}
        for column, _ in found:
            column.set("join_mark", None)
        if outer and part.find(exp.Or, exp.In):
            raise LackingError("Outer join operator (+) not allowed in operand of OR or IN.")
        if len(outer) != 1 or not named <= tables.keys():  # none, or one that does not join: (+) is ignored
            kept.append(part)
            continue
        name = outer.pop()
        conditions.setdefault(name, []).append(part)
        others.setdefault(name, set()).update(named - {name})
    if any(len(names) > 1 for names in others.values()):
        raise LackingError("A table may be outer joined to at most one other table.")
    for name in [name for name, names in others.items() if not names]:
        kept += conditions.pop(name)
    placed = [name for name in tables if name not in conditions]
    joins = [exp.Join(this=tables[name], kind="CROSS") for name in placed[1:]]
    while ready := [name for name in conditions if name not in placed and others[name] <= set(placed)]:
        joins += [exp.Join(this=tables[name], side="LEFT", on=exp.and_(*conditions[name])) for name in ready]
        placed += ready
    if len(placed) < len(tables):
        raise LackingError("Amazon Redshift has no (+) for two tables on both of them.")
    select.set("from_", exp.From(this=tables[placed[0]]))
    select.set("joins", joins)
    select.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)


def _owner(column: exp.Column, tables: dict[str, exp.Expr], columns: Columns | None) -> str:
    """The name of the table that a column is of; "" for one that is not there."""
    if column.table:
        return column.table.lower()
    return next((name for name, table in tables.items() if column.name.lower() in scope.names(table, columns)), "")


def qualify(select: exp.Select, columns: Columns | None) -> None:
    """Filter the rows of a query by its windows, around it."""
    condition = select.args.get("qualify")
    if not condition:
        return
    select.set("qualify", None)
    _expand_stars(select, columns)
    outer, inner = [], []
    for number, part in enumerate(select.expressions):
        name = part.alias or default_name(part) or "?column?"
        inner.append(exp.alias_(part.unalias().copy(), f"_c{number}", quoted=True))
        outer.append(exp.alias_(exp.column(f"_c{number}", quoted=True), name, quoted=True))
    order, by_name = select.args.get("order"), {part.alias: at for at, part in enumerate(outer)}
    for ordered in order.expressions if order else []:
        value = ordered.this
        at = by_name.get(value.name) if isinstance(value, exp.Column) and not value.table else None
        if isinstance(value, exp.Literal):
            continue
        if at is None:
            at = len(inner)
            inner.append(exp.alias_(value.copy(), f"_c{at}", quoted=True))
        value.replace(exp.column(f"_c{at}", quoted=True))
    inner.append(exp.alias_(condition.this.copy(), "_keep", quoted=True))
    body = exp.Select(expressions=inner)
    for clause in ("from_", "joins", "where", "group", "having"):
        body.set(clause, select.args.get(clause))
        select.set(clause, None)
    select.set("expressions", outer)
    select.set("from_", exp.From(this=exp.Subquery(this=body, alias=exp.TableAlias(this=exp.to_identifier("_t")))))
    select.set("where", exp.Where(this=exp.column("_keep", quoted=True)))


def _expand_stars(select: exp.Select, columns: Columns | None) -> None:
    """Name the columns that a * stands for."""
    parts: list[exp.Expr] = []
    for part in select.expressions:
        of = part.table if isinstance(part, exp.Column) and isinstance(part.this, exp.Star) else None
        if not isinstance(part, exp.Star) and of is None:
            parts.append(part)
            continue
        for source in scope.sources(select):
            if not of or source.alias_or_name == of:
                table = source.alias_or_name or None
                parts += [exp.column(name, table=table, quoted=True) for name in scope.names(source, columns)]
    select.set("expressions", parts)


def pivot(source: exp.Expr, columns: Columns | None) -> exp.Expr:
    """PIVOT and UNPIVOT as a grouped query and as a UNION ALL."""
    pivots = source.args.get("pivots")
    if not pivots:
        return source
    if len(pivots) > 1 or len(pivots[0].args["fields"]) != 1:
        raise NotSupportedError("The embedded warehouse does not cover several PIVOTs of one table.")
    node, inner = pivots[0], source.copy()
    inner.set("pivots", None)
    found = scope.names(source, columns)
    query = _unpivot(node, inner, found) if node.args.get("unpivot") else _pivot(node, inner, found)
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier("_pivot"))
    return exp.Subquery(this=query, alias=alias.copy())


def _pivot(node: exp.Pivot, inner: exp.Expr, found: list[str]) -> exp.Select:
    """One aggregate of a CASE for each value."""
    field = node.args["fields"][0]
    used = {column.name.lower() for part in [*node.expressions, field.this] for column in part.find_all(exp.Column)}
    groups = [exp.column(name, quoted=True) for name in found if name not in used]
    parts: list[exp.Expr] = [column.copy() for column in groups]
    for value in field.expressions:
        label = value.alias or value.name
        for aggregate in node.expressions:
            call = aggregate.unalias().copy()
            argument = call.expressions[0]
            counted = exp.Literal.number(1) if isinstance(argument, exp.Star) else argument.copy()
            known = not isinstance(value.unalias(), exp.Null)
            same = (exp.EQ if known else exp.Is)(this=field.this.copy(), expression=value.unalias().copy())
            call.set("expressions", [exp.Case().when(same, counted)])
            name = f"{label}_{aggregate.alias}" if aggregate.alias else label
            parts.append(exp.alias_(call, name.lower(), quoted=True))
    select = exp.Select(expressions=parts, from_=exp.From(this=inner))
    if groups:
        select.set("group", exp.Group(expressions=groups))
    return select


def _unpivot(node: exp.Pivot, inner: exp.Expr, found: list[str]) -> exp.Expr:
    """One SELECT for each column."""
    field = node.args["fields"][0]
    unpivoted = {part.unalias().name.lower() for part in field.expressions}
    kept = [exp.column(name, quoted=True) for name in found if name not in unpivoted]
    selects: list[exp.Expr] = []
    for part in field.expressions:
        column = part.unalias().copy()
        label = exp.Literal.string(part.args["alias"].name if part.args.get("alias") else column.name)
        select = exp.Select(
            expressions=[
                *(one.copy() for one in kept),
                exp.alias_(exp.cast(label, "text"), field.this.name, quoted=True),
                exp.alias_(column, node.expressions[0].name, quoted=True),
            ],
            from_=exp.From(this=inner.copy()),
        )
        if not node.args.get("include_nulls"):
            select.set("where", exp.Where(this=exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null()))))
        selects.append(select)
    return reduce(lambda done, more: exp.Union(this=done, expression=more, distinct=False), selects)


def default_name(node: exp.Expr) -> str | None:
    """The name that Redshift gives a column without an alias; None where PostgreSQL gives the same one."""
    if isinstance(node, exp.Column):
        constant = not node.table and supported.CONSTANTS.get(node.name.lower())
        return constant[1] if constant else node.name
    if isinstance(node, exp.Paren | exp.Window | exp.WithinGroup | exp.IgnoreNulls):
        return default_name(node.this)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Anonymous) and node.this.name.lower() == "getdate":
        return "getdate"
    if isinstance(node, exp.Cast):
        return default_name(node.this) or supported.TYPE_NAMES.get(node.to.this)
    if isinstance(node, exp.Trim):
        return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.args.get("position") or "", "btrim")
    if isinstance(node, exp.Case):
        return (node.args.get("default") and default_name(node.args["default"])) or "case"
    if isinstance(node, exp.AtTimeZone) and isinstance(node.this, exp.Cast):
        return "timestamptz" if node.this.to.this == exp.DType.TIMESTAMP else "timestamp"
    if isinstance(node, exp.Anonymous) and node.name.lower() == "nullif":
        return default_name(node.expressions[0]) or "case"
    if isinstance(node, exp.Anonymous):
        return supported.COLUMN_NAMES.get(node.name.lower(), node.name.lower())
    return _NAMES.get(type(node))  # a DECIMAL's quotient becomes a function


_NAMES: dict[type[exp.Expr], str] = {
    exp.Boolean: "bool", exp.Extract: "date_part", exp.StrPosition: "position", exp.Div: "?column?",
}  # fmt: skip


def name_columns(query: exp.Expr) -> None:
    """Give a query's columns Redshift's names before their expressions change."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if isinstance(query, exp.Select):
        query.set("expressions", [_named(part) for part in query.expressions])


def _named(part: exp.Expr) -> exp.Expr:
    """A column with its name."""
    name = None if isinstance(part, exp.Column) and part.name.lower() not in supported.CONSTANTS else default_name(part)
    return exp.alias_(part.copy(), name, quoted=True) if name else part
