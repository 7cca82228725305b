"""What PostgreSQL reads in another way than Redshift, put into its words."""

import re
from collections.abc import Callable

from sqlglot import exp

from infra.local.dialect import functions, lexer, queries, scope, supported
from infra.local.dialect.functions import call
from infra.local.dialect.scope import Columns

# Views of information_schema without the schemas of the embedded warehouse, as schema_NAME in system_sql/views.sql.
HIDDEN = {"tables", "columns", "views", "schemata", "table_constraints", "key_column_usage"}


def statement(tree: exp.Expr, columns: Columns | None) -> exp.Expr:
    """The tree of a checked statement, rewritten from its leaves up. Raises scope.NeedsColumns."""
    if isinstance(tree, exp.Create):
        tree = _create(tree)
    functions.units_as_strings(tree)
    for select in list(tree.find_all(exp.Select)):
        queries.aliases(select, columns)
    for query in [select for select in tree.find_all(exp.Select) if not isinstance(select.parent, exp.In | exp.Exists)]:
        queries.name_columns(query)
    _divisions(tree, columns)
    for select in reversed(list(tree.find_all(exp.Select))):
        queries.outer_joins(select, columns)
        queries.qualify(select, columns)
    for source in reversed(list(tree.find_all(exp.Table, exp.Subquery))):
        source.replace(queries.pivot(source, columns))
    for node in reversed(list(tree.walk())):
        if rewriter := _REWRITERS.get(type(node)):
            node.replace(rewriter(node))
    return tree


def _divisions(tree: exp.Expr, columns: Columns | None) -> None:
    """Give the quotients of DECIMALs Redshift's scale, from the innermost on; integers and floats divide alike."""
    scales = []
    for node in tree.find_all(exp.Div):
        select = node.parent_select
        left, right = scope.kind(node.this, select, columns), scope.kind(node.expression, select, columns)
        result = scope.combined(node, left, right)
        if result and result[0] == "decimal":
            scales.append((node, result[2]))
    for node, scale in reversed(scales):
        node.replace(call("divide", node.this, node.expression, exp.Literal.number(scale)))


def _extract(node: exp.Extract) -> exp.Expr:
    """An integer in Redshift, of that part alone."""
    unit, source = functions.unit_of(node.this), node.expression
    if isinstance(source, exp.Literal):
        source = functions.moment(source)
    if unit == "epoch":  # a BIGINT
        return exp.cast(call("floor", call("date_part", unit, source)), "bigint")
    return call("extracted", unit, source)


def _function(node: exp.Anonymous) -> exp.Expr:
    """By name; what a window or WITHIN GROUP belongs to is rewritten with it."""
    name = node.name.lower()
    rewriter = functions.REWRITTEN.get(name)
    if rewriter is None or (name in ("listagg", "median") and isinstance(node.parent, exp.Window | exp.WithinGroup)):
        return node
    return rewriter(node)


def _within_group(node: exp.WithinGroup) -> exp.Expr:
    """LISTAGG and the percentiles; in a window they go with it."""
    return node if isinstance(node.parent, exp.Window) else functions.within_group(node)


def _column(node: exp.Column) -> exp.Expr:
    """SYSDATE and its like are functions."""
    name = node.name.lower()
    if node.table or node.this.args.get("quoted") or name not in supported.CONSTANTS:
        return node
    return functions.postgres(supported.CONSTANTS[name][0])


def _cast(node: exp.Cast) -> exp.Expr:
    """Values of tables are cut, not rounded; texts are cut at their length in bytes."""
    kind, value, to = node.to.this, node.this, node.to
    numbers = [int(part.name) for part in to.expressions if part.name.isdigit()]
    from_table = value.find(exp.Column) is not None
    if kind in supported.LONGEST and not node.find_ancestor(exp.CheckColumnConstraint):  # our own: see _length_check
        length = numbers[0] if numbers else 65535 if to.expressions else 256
        text = "CHAR" if kind in supported.SINGLE_BYTE else "VARCHAR"
        cut = call("cut", value, exp.Literal.number(length))
        return exp.cast(cut, exp.DataType.build(f"{text}({length})", dialect="postgres"))
    if from_table and kind in supported.WHOLE:
        return exp.cast(call("cut", value), to)
    if from_table and kind == exp.DType.DECIMAL:
        scale = exp.Literal.number(numbers[1] if len(numbers) > 1 else 0)
        return exp.Cast(this=call("cut_scale", value, scale), to=_type(to.copy()))
    return node


def _type(node: exp.DataType) -> exp.Expr:
    """DECIMAL is DECIMAL(18, 0)."""
    if node.this == exp.DType.DECIMAL and not node.expressions:
        node.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(number)) for number in (18, 0)])
    if node.this in (exp.DType.NVARCHAR, exp.DType.VARCHAR) and node.expressions and node.expressions[0].name == "MAX":
        node.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(65535))])
    return node


def _table(node: exp.Table) -> exp.Expr:
    """information_schema without what is hidden; #name is a temporary table."""
    if node.name.startswith("#"):
        if isinstance(node.parent, exp.Into):
            node.parent.set("temporary", True)
        node.set("this", exp.to_identifier(lexer.folded(node.name), quoted=True))
    if node.db.lower() == "information_schema" and node.name.lower() in HIDDEN:
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name.lower())))
        node.set("this", exp.to_identifier(f"schema_{node.name.lower()}"))
        node.set("db", exp.to_identifier("redshift"))
    return node


def _merge(node: exp.Merge) -> exp.Expr:
    """INSERT VALUES without columns, which sqlglot reads as a function."""
    for when in node.args["whens"].expressions:
        then = when.args["then"]
        if isinstance(then, exp.Insert) and then.this and not then.expression:
            values = then.this.expressions[0] if isinstance(then.this, exp.Tuple) else then.this
            if isinstance(values, exp.Anonymous):
                then.set("expression", exp.Tuple(expressions=[part.copy() for part in values.expressions]))
                then.set("this", None)
    return node


def _create(tree: exp.Create) -> exp.Expr:
    """Columns in PostgreSQL's words."""
    name = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if name.name.startswith("#"):
        tree.set("properties", exp.Properties(expressions=[exp.TemporaryProperty()]))
    if isinstance(tree.this, exp.Schema) and not tree.expression:
        _columns(tree.this)
    return tree


def _alter(node: exp.Alter) -> exp.Expr:
    """Keys are hints; a new text column counts bytes."""
    for action in node.args["actions"]:
        if isinstance(action, exp.ColumnDef):
            check = _length_check(action, len(action.name))
            kept = [part for part in action.constraints if not isinstance(part.kind, supported.KEYS)]
            action.set("constraints", kept + [exp.ColumnConstraint(kind=part.expressions[0], this=part.this)
                                              for part in check if isinstance(part, exp.Constraint)])  # fmt: skip
    return node


_REWRITERS: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Extract: _extract, exp.Anonymous: _function, exp.WithinGroup: _within_group, exp.Window: functions.window,
    exp.Column: _column, exp.Cast: _cast, exp.DataType: _type, exp.Table: _table, exp.Merge: _merge,
    exp.Alter: _alter, exp.Concat: lambda node: exp.Literal.string("".join(part.name for part in node.expressions)),
    exp.StrPosition: lambda node: call("strpos", exp.cast(node.this.copy(), "text"), node.args["substr"]),
}  # fmt: skip


def _columns(schema: exp.Schema) -> None:
    """Keys become mere NOT NULLs, IDENTITY PostgreSQL's own, and text columns count bytes."""
    not_null = {column.name.lower() for key in schema.find_all(exp.PrimaryKey) for column in key.expressions}
    # PRIMARY KEY, UNIQUE and FOREIGN KEY: hints that Redshift trusts
    likes = [part for part in schema.expressions if isinstance(part, exp.LikeProperty)]
    for like in likes:  # the lengths in bytes are CHECKs; defaults only where the statement asks for them
        asked = any(part.name.upper() == "INCLUDING" for part in like.expressions)
        included = ["CONSTRAINTS", *(["DEFAULTS"] if asked else [])]
        like.set("expressions", [exp.Property(this="INCLUDING", value=exp.var(word)) for word in included])
    columns = [part for part in schema.expressions if isinstance(part, exp.ColumnDef)]
    checks = []
    for number, column in enumerate(columns):
        kinds = {type(constraint.kind) for constraint in column.constraints}
        if exp.PrimaryKeyColumnConstraint in kinds:
            not_null.add(column.name.lower())
        kept = [constraint for constraint in column.constraints if not isinstance(constraint.kind, supported.KEYS)]
        if exp.AutoIncrementColumnConstraint in kinds:  # sqlglot adds a NOT NULL of its own
            kept = [part for part in kept if not isinstance(part.kind, exp.NotNullColumnConstraint)]
        if column.name.lower() in not_null and exp.NotNullColumnConstraint not in kinds:
            kept.append(exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))
        for constraint in kept:
            if isinstance(constraint.kind, supported.IDENTITIES):
                constraint.set("kind", _identity(constraint.kind))
        column.set("constraints", kept)
        checks += _length_check(column, number)
    schema.set("expressions", columns + likes + checks)


def _identity(kind: exp.Expr) -> exp.Expr:
    """PostgreSQL's IDENTITY: START 0 needs a MINVALUE. Only GENERATED BY DEFAULT lets a value be given."""
    first, increment = (kind.args.get(name) or exp.Literal.number(1) for name in ("start", "increment"))
    if odd := [each.sql() for each in (first, increment) if not re.fullmatch("-?[0-9]{1,18}", each.sql())]:
        raise lexer.syntax_error(odd[0])
    start, step = int(first.sql()), int(increment.sql())
    limit = "maxvalue" if step < 0 else "minvalue"
    return exp.GeneratedAsIdentityColumnConstraint(
        this="on_null" not in kind.args,  # only what is GENERATED has that key
        start=exp.Literal.number(start),
        increment=increment.copy(),
        **{limit: exp.Literal.number(max(start, -1) if step < 0 else min(start, 1))},
    )


def _length_check(column: exp.ColumnDef, number: int) -> list[exp.Expr]:
    """The column's text type in PostgreSQL's words, and a CHECK that a text fits its length in bytes.

    The CHECK's name holds the type, the length and the column's number.
    """
    kind = column.args.get("kind")
    longest = supported.LONGEST.get(kind.this) if kind else None
    if kind is None or longest is None:
        return []
    single = kind.this in supported.SINGLE_BYTE
    given = kind.expressions[0].name.upper() if kind.expressions else ""
    length = {"": 1 if longest == 4096 else 256, "MAX": longest}.get(given) or int(given)
    column.set("kind", exp.DataType.build(f"{'CHAR' if single else 'VARCHAR'}({length})", dialect="postgres"))
    name = column.this.sql(dialect="postgres", identify=column.this.quoted)
    limit = f"= char_length({name})" if single else f"<= {length}"
    constraint = f"{'char' if single else 'bytes'}_{length}_{number}"
    text = f"CREATE TABLE t (CONSTRAINT {constraint} CHECK (octet_length(CAST({name} AS TEXT)) {limit}))"
    return [functions.postgres(text).this.expressions[0]]


def explain_length_check(name: str) -> str:
    """What Redshift says where the CHECK of this name, which `_length_check` gave it, is violated."""
    kind, length, _ = name.split("_")
    if kind == "char":
        return f"Multibyte character not supported for CHAR {length}: use VARCHAR"
    return f"value too long for type character varying({length})"
