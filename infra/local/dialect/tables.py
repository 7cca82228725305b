"""What CREATE and ALTER TABLE may hold: their columns and keys."""

from sqlglot import exp

from infra.errors import LackingError, NotSupportedError
from infra.local.dialect import lexer, scope, supported


def create(tree: exp.Create, keys: list[str]) -> None:
    """Refuse CREATE of other things than tables and views, and a DISTKEY or SORTKEY that names no column."""
    if tree.kind not in ("TABLE", "VIEW") or (tree.kind == "TABLE" and tree.args.get("replace")):
        raise NotSupportedError(f"The embedded warehouse does not cover this form of CREATE {tree.kind}.")
    if any(type(part) is exp.Property for part in (tree.args.get("properties") or exp.Properties()).expressions):
        raise LackingError("Amazon Redshift has no WITH (...) for a table.")
    tables = tree.expression.find_all(exp.Table) if tree.args.get("no_schema_binding") else ()
    if any(not table.db and scope.query_of(table) is None for table in tables):
        raise LackingError("Amazon Redshift's views WITH NO SCHEMA BINDING name their tables with a schema.")
    if tree.expression and tree.args.get("exists"):
        raise LackingError("Amazon Redshift has no CREATE TABLE IF NOT EXISTS ... AS.")
    if not isinstance(tree.this, exp.Schema) and not tree.expression:
        raise lexer.syntax_error("end of input")
    _parts([] if tree.expression else tree.this.expressions)
    definitions = list(tree.this.find_all(exp.ColumnDef))
    kinds = [type(part) for part in tree.this.find_all(exp.PrimaryKey, exp.PrimaryKeyColumnConstraint)]
    if len(kinds) > 1:
        raise LackingError("multiple primary keys for a table are not allowed")
    for column in definitions:
        integer = getattr(column.kind, "this", None) in (exp.DType.INT, exp.DType.BIGINT)
        if column.find(*supported.IDENTITIES) and not integer:
            raise LackingError("identity column type must be INT or BIGINT")
    columns = {lexer.folded(column.name) for column in definitions}
    declared = tree.this.find_all(exp.PrimaryKey, exp.ForeignKey)
    named = keys + [column.name for key in declared for column in key.expressions]
    unknown = [key for key in named if columns and lexer.folded(key) not in columns]
    if unknown:
        raise NotSupportedError(f'column "{unknown[0]}" named in key does not exist')


def _parts(parts: list[exp.Expr]) -> None:
    """Refuse what is no column, key or LIKE in the parentheses of a table, and a key without columns."""
    for part in parts:
        if isinstance(part, exp.Constraint | exp.AddConstraint):
            _parts(part.expressions)
            continue
        key = part.this if isinstance(part, exp.UniqueColumnConstraint) else part
        whole = isinstance(part, exp.LikeProperty) or bool(key and key.expressions)
        if isinstance(part, exp.ColumnDef):
            whole = isinstance(part.this, exp.Identifier) and all(each.args.get("kind") for each in part.constraints)
        if not whole or (isinstance(part, exp.ForeignKey) and not part.args.get("reference")):
            raise lexer.syntax_error(part.sql(dialect="redshift"))


def alter(node: exp.Alter) -> None:
    """ALTER TABLE, one change at a time."""
    if node.args.get("kind") != "TABLE":
        raise NotSupportedError("The embedded warehouse does not cover this form of ALTER.")
    if len(node.args["actions"]) != 1:
        raise LackingError("Amazon Redshift's ALTER TABLE takes one change: write a statement for each.")
    action = node.args["actions"][0]
    if isinstance(action, exp.AddConstraint | exp.ColumnDef):
        _parts([action])
    if isinstance(action, exp.AlterColumn):
        raise NotSupportedError("The embedded warehouse does not cover this form of ALTER TABLE.")
    if isinstance(action, exp.AlterRename) and action.this.name.startswith("#"):
        raise LackingError("a table cannot be renamed to a temporary one")
    kinds = {type(part.kind) for part in action.constraints} if isinstance(action, exp.ColumnDef) else set()
    if exp.NotNullColumnConstraint in kinds and exp.DefaultColumnConstraint not in kinds:
        raise LackingError("ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression")


def key_checks(tree: exp.Expr) -> list[str]:
    """Statements that change nothing and fail where a key names a table or a column that is not there."""
    named = [(part.this.find(exp.Table), part.this) for part in tree.find_all(exp.Reference)]
    if isinstance(tree, exp.Alter):
        named += [(tree.this, key) for key in tree.find_all(exp.ForeignKey, exp.PrimaryKey)]
        named += [(tree.this, key.this) for key in tree.find_all(exp.UniqueColumnConstraint) if key.this]
    checks = []
    for table, key in named:
        if table is None:
            raise lexer.syntax_error("REFERENCES")
        changes = [f"ALTER COLUMN {column.sql('postgres')} SET STATISTICS -1" for column in key.expressions]
        checks += [f"ALTER TABLE {table.sql('postgres')} {change}" for change in changes or ["RESET (fillfactor)"]]
    return list(dict.fromkeys(checks))
