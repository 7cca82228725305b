"""Redshift SQL to PostgreSQL SQL, or a refusal.

What Redshift lacks is refused, and so is what the stand-in does not cover: everything that is not listed here. Table
attributes that only a cluster needs (DISTKEY, SORTKEY, DISTSTYLE, ENCODE) are taken off the token stream, because
sqlglot's parser does not know all their forms; sqlglot does the rest.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokens import Token, TokenType

from infra.local import vocabulary


class Refused(Exception):
    """SQL that Redshift does not have or that the stand-in does not cover; `lacking` tells which of the two."""

    def __init__(self, message: str, lacking: bool = False):
        super().__init__(message)
        self.lacking = lacking


@dataclass(frozen=True)
class Statement:
    """A statement ready to run: `sql` is PostgreSQL's, `verb` its first word (COPY keeps Redshift's own text)."""

    verb: str
    sql: str


@lru_cache(maxsize=256)
def translate(text: str) -> Statement:
    """One Redshift statement in PostgreSQL's SQL. Raises Refused, also for more than one statement."""
    try:
        tokens = Redshift().tokenize(text)
    except SqlglotError as error:
        raise Refused(f"The statement cannot be read: {_first_line(error)}") from None
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        return Statement("", text)
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise Refused("The stand-in takes one statement at a time: execute them one by one.")
    verb = tokens[0].text.upper()
    body = text[tokens[0].start : tokens[-1].end + 1]
    if verb == "COPY" or verb in vocabulary.PLAIN_STATEMENTS:
        pattern = vocabulary.PLAIN_STATEMENTS.get(verb, "")
        if not re.match(pattern, " ".join(body.split()), re.IGNORECASE):
            raise Refused(f"The stand-in does not cover this form of {verb}.")
        return Statement(verb, body)
    for words, instead in vocabulary.LACKING_STATEMENTS.items():
        if [token.text.upper() for token in tokens[: len(words.split())]] == words.split():
            raise Refused(f"Amazon Redshift has no {words}{instead}.", lacking=True)
    _refuse_lacking_words(tokens, in_table=verb == "CREATE")
    if "\\" in body:
        raise Refused("The stand-in does not cover a backslash in a statement, which Redshift reads as an escape.")
    if verb == "CREATE":
        tokens = _without_table_attributes(tokens)
    tree = _parse(tokens, text)
    _check(tree)
    return Statement(verb, _generate(_rewrite(tree)))


def _parse(tokens: list[Token], text: str) -> exp.Expression:
    """sqlglot's tree of one statement. Raises Refused where it is not one that the stand-in covers."""
    try:
        tree = Redshift().parser(error_level=ErrorLevel.RAISE).parse(tokens, text)[0]
    except SqlglotError as error:
        raise Refused(f"The statement cannot be parsed as Redshift SQL: {_first_line(error)}") from None
    if not isinstance(tree, vocabulary.STATEMENTS):
        raise Refused(f"The stand-in does not cover {tokens[0].text.upper()} statements of this kind.")
    return tree


def _generate(tree: exp.Expression) -> str:
    """PostgreSQL's text of a rewritten tree; anything that sqlglot would leave out silently is refused."""
    try:
        return tree.sql(dialect="postgres", unsupported_level=ErrorLevel.RAISE, comments=False)
    except SqlglotError as error:
        raise Refused(f"The stand-in does not cover this statement: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    """sqlglot's message without its copy of the statement and its terminal colours."""
    return re.sub(r"\x1b\[\d+m", "", str(error)).splitlines()[0]


def _refuse_lacking_words(tokens: list[Token], in_table: bool) -> None:
    """Refuse functions, column types and constraints that Redshift lacks, which the parser would rename or not read."""
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        word = token.text.upper()
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            continue
        if word in vocabulary.LACKING_FUNCTIONS and following and following.token_type == TokenType.L_PAREN:
            raise Refused(f"Amazon Redshift has no {word}{vocabulary.LACKING_FUNCTIONS[word]}.", lacking=True)
        if in_table and word in vocabulary.LACKING_WORDS:
            raise Refused(f"Amazon Redshift has no {vocabulary.LACKING_WORDS[word]}.", lacking=True)


def _without_table_attributes(tokens: list[Token]) -> list[Token]:
    """The tokens without DISTKEY, SORTKEY, DISTSTYLE, ENCODE, BACKUP and their arguments."""
    kept: list[Token] = []
    position = 0
    while position < len(tokens):
        word = tokens[position].text.upper()
        following = tokens[position + 1].text.upper() if position + 1 < len(tokens) else ""
        if tokens[position].token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            kept.append(tokens[position])
        elif word in ("DISTSTYLE", "ENCODE", "BACKUP"):
            position += 1  # and its one argument
        elif word in ("COMPOUND", "INTERLEAVED") and following == "SORTKEY":
            pass
        elif word in ("DISTKEY", "SORTKEY"):
            if following == "AUTO":
                position += 1
            elif following == "(":
                while tokens[position].token_type != TokenType.R_PAREN:
                    position += 1
        else:
            kept.append(tokens[position])
        position += 1
    return kept


def _check(tree: exp.Expression) -> None:
    """Refuse every construct, function and type that is not in the vocabulary."""
    for node in tree.walk():
        for kind, name in vocabulary.LACKING.items():
            if isinstance(node, kind):
                raise Refused(f"Amazon Redshift has no {name}.", lacking=True)
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
            if node.name.lower() not in vocabulary.NAMED_FUNCTIONS:
                raise Refused(f"The stand-in does not cover the function {node.name.upper()}.")
        elif isinstance(node, exp.Func) and not isinstance(node, vocabulary.FUNCTIONS):
            raise Refused(f"The stand-in does not cover the function {node.sql_name()}.")
        elif isinstance(node, exp.Distinct) and node.args.get("on"):
            raise Refused("Amazon Redshift has no DISTINCT ON: number the rows and keep the first.", lacking=True)
        elif isinstance(node, exp.Extract) and node.name.lower() not in vocabulary.DATE_PARTS:
            raise Refused(f"The stand-in does not cover EXTRACT({node.name}).")
        elif isinstance(node, exp.TsOrDsDiff) and node.unit.name.lower() not in vocabulary.DIFFERENCES:
            raise Refused(f"The stand-in does not cover DATEDIFF({node.unit.name}).")
        elif isinstance(node, exp.DataType):
            _check_type(node)
        elif isinstance(node, exp.Select) and node.args.get("qualify") and node.is_star:
            raise Refused("The stand-in does not cover SELECT * with QUALIFY: name the columns.")
        elif isinstance(node, exp.Merge):
            _check_merge(node)


def _check_type(node: exp.DataType) -> None:
    """Refuse types outside the vocabulary, and a cast to VARCHAR(n), which cuts bytes there and characters here."""
    kind = node.this
    if kind in vocabulary.LACKING_TYPES:
        raise Refused(f"Amazon Redshift has no type {kind.name}.", lacking=True)
    if kind not in vocabulary.TYPES:
        raise Refused(f"The stand-in does not cover the type {node.sql(dialect='redshift')}.")
    if kind in vocabulary.TEXT_TYPES and node.expressions and isinstance(node.parent, exp.Cast):
        raise Refused("The stand-in does not cover a cast to a text type with a length.")


def _check_merge(node: exp.Merge) -> None:
    """Redshift's MERGE needs both of its clauses and a table as its source."""
    kinds = {bool(when.args.get("matched")) for when in node.args["whens"].expressions}
    if kinds != {True, False}:
        raise Refused("Amazon Redshift's MERGE needs both WHEN MATCHED and WHEN NOT MATCHED.", lacking=True)
    if not isinstance(node.args["using"], exp.Table):
        raise Refused("Amazon Redshift's MERGE takes a table as its source, not a subquery.", lacking=True)


def _rewrite(tree: exp.Expression) -> exp.Expression:
    """The tree with what PostgreSQL reads differently put into its words."""
    if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema):
        _rewrite_columns(tree.this)
    return tree.transform(_rewrite_node)


def _rewrite_node(node: exp.Expression) -> exp.Expression:
    """One node in PostgreSQL's words."""
    if isinstance(node, exp.Extract):  # an integer in Redshift, NUMERIC in PostgreSQL
        part = vocabulary.DATE_PARTS[node.name.lower()]
        return exp.cast(exp.Extract(this=exp.var(part), expression=node.expression), "integer")
    if isinstance(node, exp.TsOrDsDiff):  # Redshift counts the boundaries crossed, not the time elapsed
        unit = node.unit.name.lower()
        later, earlier = (
            f"EXTRACT(epoch FROM date_trunc('{unit}', CAST({end.sql(dialect='postgres')} AS TIMESTAMP)))"
            for end in (node.this, node.expression)
        )
        difference = f"CAST(({later} - {earlier}) / {vocabulary.DIFFERENCES[unit]} AS BIGINT)"
        return sqlglot.parse_one(difference, dialect="postgres")
    if isinstance(node, exp.Round) and node.args.get("decimals"):  # catalog.py has it for DOUBLE PRECISION
        return exp.Anonymous(this="round", expressions=[node.this, node.args["decimals"]])
    if isinstance(node, exp.DataType) and node.this in vocabulary.TEXT_TYPES and not node.expressions:
        if isinstance(node.parent, exp.ColumnDef):
            node.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(256))])
    return node


def _rewrite_columns(schema: exp.Schema) -> None:
    """Keys become mere NOT NULLs, IDENTITY PostgreSQL's own, and text columns count bytes."""
    not_null = set()
    for part in list(schema.expressions):
        if isinstance(part, exp.PrimaryKey):
            not_null |= {column.name.lower() for column in part.expressions}
        if not isinstance(part, exp.ColumnDef):  # PRIMARY KEY, UNIQUE and FOREIGN KEY: hints that Redshift trusts
            schema.expressions.remove(part)
    checks = []
    for number, column in enumerate(schema.expressions):
        kinds = {type(constraint.kind) for constraint in column.constraints}
        if exp.PrimaryKeyColumnConstraint in kinds:
            not_null.add(column.name.lower())
        kept = [constraint for constraint in column.constraints if not isinstance(constraint.kind, vocabulary.KEYS)]
        if column.name.lower() in not_null and exp.NotNullColumnConstraint not in kinds:
            kept.append(exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))
        for constraint in kept:
            if isinstance(constraint.kind, exp.GeneratedAsIdentityColumnConstraint):
                start = int(constraint.kind.args["start"].name)
                constraint.kind.set("this", True)  # GENERATED ALWAYS: nobody may give a value
                constraint.kind.set("minvalue", exp.Literal.number(min(start, 1)))
        column.set("constraints", kept)
        checks += _length_check(column, number)
    schema.set("expressions", schema.expressions + checks)


def _length_check(column: exp.ColumnDef, number: int) -> list[exp.Expression]:
    """A CHECK, named after the length and the column's number, that a text fits its length in bytes."""
    kind = column.args["kind"]
    if kind.this not in vocabulary.TEXT_TYPES:
        return []
    length = kind.expressions[0].name.upper() if kind.expressions else "256"
    if length == "MAX":
        length = "65535"
        kind.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(length))])
    name = column.this.sql(dialect="postgres", identify=True)
    limit = f"<= {length}" if kind.this == exp.DType.VARCHAR else f"= char_length({name})"
    text = f"CREATE TABLE t (CONSTRAINT bytes_{length}_{number} CHECK (octet_length(CAST({name} AS TEXT)) {limit}))"
    return [sqlglot.parse_one(text, dialect="postgres").this.expressions[0]]
