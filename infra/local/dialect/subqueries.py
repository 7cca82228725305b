"""Subqueries, joins and sources that Redshift refuses, by the patterns that its guide documents."""

import re
from typing import cast

from sqlglot import exp

from infra.errors import LackingError
from infra.local.dialect import scope, supported
from infra.local.dialect.scope import Columns

_SYSTEM = r"(pg|information_schema)_?\w*"
_COMPUTE_FUNCTIONS = ("listagg", "median", "percentile_cont", "percentile_disc")


def check(tree: exp.Expr, columns: Columns | None) -> None:
    """Refuse what Redshift refuses. Raises NotSupportedError, scope.NeedsColumns."""
    for select in tree.find_all(exp.Select):
        if select.find_ancestor(exp.Select):
            _correlation(select)
        _whole_rows(select, columns)
        _group_by_correlated(select)
    if isinstance(tree, exp.Update):
        _update(tree)
    _leader_node(tree)


def _refuse_correlation(reason: str) -> None:
    """Redshift's message."""
    raise LackingError(f"This type of correlated subquery pattern is not supported due to internal error: {reason}")


def _owner(column: exp.Column, select: exp.Select) -> int | None:
    """How many queries above `select` the table of a qualified column is; 0 for its own, None if it is not found."""
    level, query = 0, cast("exp.Select | None", select)
    while query is not None:
        if any(source.alias_or_name.lower() == column.table.lower() for source in scope.sources(query)):
            return level
        level, query = level + 1, query.parent_select
    return None


def _correlation(select: exp.Select) -> None:
    """Refuse the documented patterns of subqueries that name a table of an outer query."""
    columns = [column for column in select.find_all(exp.Column) if column.table and column.parent_select is select]
    levels = {level for column in columns if (level := _owner(column, select))}
    if not levels:
        return
    if max(levels) > 1 and not select.find_ancestor(exp.CTE):
        _refuse_correlation("it skips a query block")
    join = select.find_ancestor(exp.Join, exp.Select)
    if isinstance(join, exp.Join) and join.side and join.args.get("on") and scope.is_in(select, join.args["on"]):
        _refuse_correlation("it is in the ON clause of an outer join")
    if select.find(exp.Window):
        _refuse_correlation("it has a window function")
    if select.args.get("limit"):
        _refuse_correlation("it has a LIMIT")
    if select.args.get("group"):
        _refuse_correlation("it has a GROUP BY")


def _group_by_correlated(select: exp.Select) -> None:
    """A correlated subquery may not be grouped by."""
    group = select.args.get("group")
    if not group:
        return
    parts = {part.alias.lower(): part.this for part in select.expressions if isinstance(part, exp.Alias)}
    for at, item in enumerate(group.expressions):
        if isinstance(item, exp.Literal) and item.name.isdigit() and int(item.name) <= len(select.expressions):
            item = select.expressions[int(item.name) - 1].unalias()
        elif isinstance(item, exp.Column):
            item = parts.get(item.name.lower(), item)
        inner = item.find(exp.Select) if at is not None else None
        if inner and any(column.table and _owner(column, inner) for column in inner.find_all(exp.Column)):
            _refuse_correlation("its result is grouped by")


def _whole_rows(select: exp.Select, columns: Columns | None) -> None:
    """Redshift has no value that is a row of a table."""
    tables = {source.alias_or_name.lower() for source in scope.sources(select)}
    for column in select.find_all(exp.Column):
        if column.table or column.parent_select is not select or column.name.lower() not in tables:
            continue
        if not any(column.name.lower() in scope.names(source, columns) for source in scope.sources(select)):
            raise LackingError(f'column "{column.name}" does not exist')


def _update(tree: exp.Update) -> None:
    """UPDATE ... FROM needs an equijoin with its target, and no outer join."""
    from_ = tree.args.get("from_")
    if not from_:
        return
    target = tree.this.alias_or_name.lower()
    joins = [join for join in from_.find_all(exp.Join) if join.find_ancestor(exp.Select) is None]
    if any(join.side for join in joins):
        raise LackingError("Target table must be part of an equijoin predicate")
    where = tree.args.get("where")
    conditions = [where.this] if where else []
    conditions += [join.args["on"] for join in joins if join.args.get("on")]
    if not any(_joins(condition, target) for condition in conditions):
        raise LackingError("Target table must be part of an equijoin predicate")


def _joins(condition: exp.Expr, target: str) -> bool:
    """Whether a column of the target equals another table's in one of the conditions that must hold."""
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    for part in parts:
        equal = part.unnest()
        if isinstance(equal, exp.EQ):
            sides = [
                {column.table.lower() for column in side.find_all(exp.Column)} for side in (equal.left, equal.right)
            ]
            if all(sides) and any(side & {"", target} for side in sides):
                return True
    return False


def _leader_node(tree: exp.Expr) -> None:
    """Catalogs and functions of the leader node do not go together with tables."""
    named = {"", *(cte.alias.lower() for cte in tree.find_all(exp.CTE))}
    tables = [table for table in tree.find_all(exp.Table) if table.name.lower() not in named]
    if isinstance(tree, exp.Create | exp.Insert | exp.Drop | exp.Alter) and not tree.find(exp.Select):
        return
    system, own = [], []
    for table in tables:
        name, schema = table.name.lower(), table.db.lower()
        if re.fullmatch(_SYSTEM, name) or schema == "information_schema":
            system.append(name)
        elif not re.fullmatch(supported.SYSTEM_RELATION, name) and schema != "pg_catalog":
            own.append(name)
    called = {node.name.lower() for node in tree.find_all(exp.Anonymous)}
    if not own and len(system) == len(tables) and not called.isdisjoint(_COMPUTE_FUNCTIONS):
        raise LackingError("One or more of the used functions must be applied on at least one user created table.")
    words = {node.name.lower() for node in tree.find_all(exp.Column)} & supported.RESERVED
    leading = [*system, *sorted((words | called) & supported.LEADER_FUNCTIONS)]
    if own and leading:
        names = f"{leading[0]}, which is on the leader node alone"
        raise LackingError(f"Specified types or functions not supported on Redshift tables: {names}.")
