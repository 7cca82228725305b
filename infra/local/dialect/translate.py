"""Redshift SQL to PostgreSQL SQL, or a refusal.

What Redshift lacks is refused, and so is what the embedded warehouse does not cover: everything that supported.py does
not list. Table attributes that only a cluster needs (DISTKEY, SORTKEY, DISTSTYLE, ENCODE) are taken off the tokens,
because sqlglot's parser does not know all their forms; sqlglot does the rest, and the other modules what it gets wrong.

    lexer.py      text -> tokens             validate.py, tables.py, subqueries.py   what a statement may hold
    plain.py      statements without a tree
    rewrite.py    Redshift's meaning in PostgreSQL's words, with functions.py, queries.py (clauses), scope.py (columns)
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import ClassVar, cast

from sqlglot import exp
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.redshift import RedshiftParser
from sqlglot.tokenizer_core import Token, TokenType

from infra.errors import LackingError, NotSupportedError, StatementError, UntranslatableError
from infra.local.dialect import lexer, plain, rewrite, scope, subqueries, supported, tables, validate

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it cannot read is refused here, in plain words

IDENTITY_CACHE = 1000  # values that a session takes at once


def _substring(name: str, parser: RedshiftParser) -> exp.Expr:
    """SUBSTRING(a FROM b FOR c) as a call with commas."""
    return exp.Anonymous(this=name, expressions=list(parser._parse_substring().args.values()))


class Dialect(Redshift):
    """sqlglot's Redshift that reads every function by its name, but for those with a form of their own."""

    class Tokenizer(lexer.Tokenizer):
        """Without escapes by backslash."""

    class Parser(RedshiftParser):
        """Without the functions of other dialects."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
        FUNCTION_PARSERS = {
            name: parser
            for name, parser in RedshiftParser.FUNCTION_PARSERS.items()
            if name in supported.PARSED_FUNCTIONS
        } | {name: partial(_substring, name) for name in ("SUBSTRING", "SUBSTR")}
        NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, type[exp.Expr]]] = {}
        NO_PAREN_FUNCTION_PARSERS = {
            name: parser for name, parser in RedshiftParser.NO_PAREN_FUNCTION_PARSERS.items() if name in ("CASE", "ANY")
        }


class Generator(PostgresGenerator):
    """sqlglot's PostgreSQL; types that a table may share its name with are named with their schema."""

    TRANSFORMS = {
        **PostgresGenerator.TRANSFORMS,
        exp.Literal: lambda self, node: (
            "E'" + node.name.replace("\\", "\\\\").replace("'", "''") + "'"
            if node.is_string and "\\" in node.name
            else self.literal_sql(node)
        ),
        exp.Pow: lambda self, node: f"{self.sql(node, 'this')} ^ {self.sql(node, 'expression')}",
    }

    def datatype_sql(self, expression: exp.DataType) -> str:
        """DATE and TEXT are ordinary names in PostgreSQL."""
        text: str = super().datatype_sql(expression)
        return f"pg_catalog.{text.lower()}" if text in ("DATE", "TEXT") else text

    def generatedasidentitycolumnconstraint_sql(self, expression: exp.GeneratedAsIdentityColumnConstraint) -> str:
        """A session takes many values at once, as each of Redshift's slices does: they have gaps, and cost little."""
        text: str = super().generatedasidentitycolumnconstraint_sql(expression)
        return f"{text[:-1]} CACHE {IDENTITY_CACHE})"


@dataclass(frozen=True)
class Statement:
    """A statement ready to run: `sql` is PostgreSQL's, `verb` its first word (COPY keeps Redshift's own text).

    With `tables` its meaning depends on their columns: translate it again with them. `sorted_by` are a new table's
    sort and distribution keys.
    """

    verb: str
    sql: str
    tables: tuple[str, ...] = ()
    sorted_by: tuple[str, ...] = ()


_PREFIX = re.compile(  # of a statement: what stands before another one
    r"\s*(EXPLAIN|DECLARE\s+[\w\"]+\s+CURSOR\s+FOR|PREPARE\s+\w+\s*(?:\([\w\s,()]*\))?\s*AS)(?:\s+VERBOSE)?\s+(?=[(\w])",
    re.IGNORECASE,
)
TableColumns = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]  # of each table: name, and columns with types


@lru_cache(maxsize=256)
def translate(text: str, columns: TableColumns | None = None) -> Statement:
    """One Redshift statement in PostgreSQL's SQL. Raises NotSupportedError.

    sqlglot's parser is lenient, and its trees can lack any part. A fault that comes of it is the cause of an
    UntranslatableError: for a user one sentence, for the fuzzer (tests/fuzz/dialect.py) a find.
    """
    try:
        return _translate(text, columns)
    except RecursionError:
        raise NotSupportedError("The embedded warehouse does not cover statements that are nested so deep.") from None
    except StatementError:
        raise
    except Exception as error:
        raise UntranslatableError(
            f"The embedded warehouse cannot translate this statement: {' '.join(text.split())[:60]} ... "
            "Amazon Redshift may take it."
        ) from error


def _translate(text: str, columns: TableColumns | None) -> Statement:
    """The same, for a statement of any depth."""
    unescaped = lexer.without_escapes(text)
    if prefix := _PREFIX.match(unescaped):
        inner = translate(text[prefix.end() :], columns)
        return Statement(prefix[1].split()[0].upper(), f"{prefix[1]} {inner.sql}", inner.tables)
    tokens = lexer.tokens(unescaped)
    if not tokens:
        return Statement("", text)
    verb = tokens[0].text.upper()
    body = unescaped[tokens[0].start : tokens[-1].end + 1]
    for pattern, replacement in supported.REPLACED if verb in ("ALTER", "VACUUM", "ANALYZE") else ():
        if re.match(pattern, flat := " ".join(body.split()), re.IGNORECASE):
            return Statement(verb, re.sub(pattern, replacement, flat, flags=re.IGNORECASE))
    if verb in ("SET", "RESET", "SHOW"):
        return Statement(verb, plain.setting(verb, body).replace("\\", "\\\\"))
    if verb == "COPY" or verb in supported.PLAIN_STATEMENTS:
        flat = plain.statement(verb, body)
        return Statement(verb, flat if verb == "COPY" else flat.replace("\\", "\\\\"))  # the server reads escapes
    _refuse_lacking_statements(tokens)
    if verb in ("CREATE", "DROP", "ALTER") and tokens[1:2] and tokens[1].text.upper() == "SCHEMA":
        return Statement(verb, lexer.folded(plain.statement("SCHEMA", body)))
    if verb == "DELETE" and tokens[1:2] and tokens[1].token_type != TokenType.FROM:
        tokens.insert(1, Token(TokenType.FROM, "FROM"))
    _refuse_lacking_words(tokens, in_table=verb in ("CREATE", "ALTER"))
    keys: list[str] = []
    if verb == "CREATE" or [token.text.upper() for token in tokens[3:4]] == ["ADD"]:
        tokens, keys = _without_table_attributes(tokens)
    tree = _parse(tokens, unescaped)
    if isinstance(tree, exp.Create):
        tables.create(tree, keys)
    validate.nodes(tree)
    known = None if columns is None else {name: dict(found) for name, found in columns}
    checks = tables.key_checks(tree)
    try:
        subqueries.check(tree, known)
        tree = rewrite.statement(tree, known)
    except scope.NeedsColumns:
        names = {scope.table_name(table) for table in tree.find_all(exp.Table)}
        return Statement(verb, "", tuple(sorted(names)))
    made = [] if tree.find(exp.AddConstraint) else [_generate(tree)]  # a key is a hint: nothing is to be done
    return Statement(verb, "; ".join([*made, *checks]), sorted_by=tuple(dict.fromkeys(keys)))


def _refuse_lacking_statements(tokens: list[Token]) -> None:
    """Refuse statements by their first words."""
    verb = tokens[0].text.upper()
    for words, instead in supported.LACKING_STATEMENTS.items():
        if [token.text.upper() for token in tokens[: len(words.split())]] == words.split():
            raise LackingError(f"Amazon Redshift has no {words}{instead}.")
    if verb in supported.OTHER_VERBS:
        raise NotSupportedError(f"The embedded warehouse does not cover {verb} statements.")
    if verb in ("CREATE", "DROP", "ALTER") and tokens[1:] and tokens[1].text.upper() not in supported.CREATED:
        raise NotSupportedError(f"The embedded warehouse does not cover {verb} {tokens[1].text.upper()} statements.")
    if verb not in supported.VERBS:
        raise lexer.syntax_error(tokens[0].text)


def _parse(tokens: list[Token], text: str) -> exp.Expr:
    """sqlglot's tree of one statement. Raises NotSupportedError where it is not one that is covered."""
    try:
        tree = cast("exp.Expr", Dialect().parser(error_level=ErrorLevel.RAISE).parse(tokens, text)[0])
    except ParseError as error:
        word = next((each.get("highlight") for each in error.errors if each.get("highlight")), "") or "end of input"
        raise lexer.syntax_error(word) from None
    except (RecursionError, MemoryError, OSError):  # the last two are the machine's
        raise
    except Exception:  # its own error, or any other that its parser trips over in a broken text
        raise NotSupportedError("The statement cannot be parsed as Redshift SQL.") from None
    words = [token.text.upper() for token in tokens if token.token_type not in lexer.TEXTS]
    plain = sum(word == "JOIN" and before not in ("CROSS", "NATURAL") for before, word in pairwise(words))
    if plain and plain > sum(bool(join.args.get("on") or join.args.get("using")) for join in tree.find_all(exp.Join)):
        raise lexer.syntax_error("JOIN")  # which sqlglot would take for a CROSS JOIN
    if not isinstance(tree, supported.STATEMENTS):
        raise NotSupportedError(f"The embedded warehouse does not cover this form of {tokens[0].text.upper()}.")
    return tree


def _generate(tree: exp.Expr) -> str:
    """PostgreSQL's text of a rewritten tree; anything that sqlglot would leave out silently is refused."""
    unbound = tree.args.get("no_schema_binding")  # such a view is made by a procedure, of its text
    tree.set("no_schema_binding", None)
    generator = Generator(dialect="postgres", unsupported_level=ErrorLevel.RAISE, comments=False)
    try:
        made = str(generator.generate(tree))
    except SqlglotError:
        raise NotSupportedError("The embedded warehouse does not cover a part of this statement.") from None
    if not unbound:
        return made
    name = tree.find(exp.Table)
    parts = made.partition(f"VIEW {name.sql('postgres')}") if name else ("", "", "")
    arguments = [generator.generate(exp.Literal.string(part)) for part in (parts[1][5:], parts[2])]
    return f"CALL redshift.make_late_view({', '.join(arguments)}, {bool(tree.args.get('replace'))})"


def _refuse_lacking_words(tokens: list[Token], in_table: bool) -> None:
    """Refuse functions, column types and constraints that Redshift lacks, which the parser would rename or not read."""
    words = ["" if token.token_type in lexer.TEXTS else token.text.upper() for token in tokens]
    for position, (word, following) in enumerate(zip(words, [*words[1:], ""], strict=True)):
        if word in supported.LACKING_FUNCTIONS and following == "(":
            raise LackingError(f"Amazon Redshift has no {word}{supported.LACKING_FUNCTIONS[word]}.")
        if not in_table:
            continue
        if word == "AS" and following in ("SELECT", "WITH", "("):  # a query, whose words are its own
            return
        for lacking, name in supported.LACKING_WORDS.items():
            if words[position : position + len(lacking.split())] == lacking.split():
                raise LackingError(f"Amazon Redshift has no {name}.")


def _without_table_attributes(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """The tokens without DISTKEY, SORTKEY, DISTSTYLE, ENCODE, BACKUP and their arguments, and the columns named."""
    kept: list[Token] = []
    keys: list[str] = []
    words = ["" if token.token_type in lexer.TEXTS else token.text.upper() for token in tokens] + ["", ""]
    depth = position = distributed = 0
    style = ""
    while position < len(tokens):
        word, following = words[position], words[position + 1]
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "AS" and depth == 0:  # CREATE TABLE ... AS, CREATE VIEW ... AS: the query has no attributes
            kept += tokens[position:]
            break
        if word in supported.ATTRIBUTES:
            if following not in supported.ATTRIBUTES[word]:
                raise LackingError(f"Amazon Redshift has no {word} {following}.")
            style = following if word == "DISTSTYLE" else style
            position += 1
        elif (word in ("COMPOUND", "INTERLEAVED") and following == "SORTKEY") or (word == "LOCAL" and position == 1):
            pass
        elif word in ("DISTKEY", "SORTKEY"):
            listed = 0
            if following == "AUTO":
                position += 1
            elif following == "(":
                if ")" not in words[position:]:
                    raise lexer.syntax_error("end of input")
                end = words.index(")", position)
                columns = [token.text for token in tokens[position + 2 : end] if token.text != ","]
                keys += columns
                listed, position = len(columns), end
            distributed += (listed or 1) if word == "DISTKEY" else 0
        else:
            kept.append(tokens[position])
        position += 1
    if distributed > 1 or (style == "KEY") > distributed or (distributed and style not in ("", "KEY")):
        raise LackingError("A table has one DISTKEY with DISTSTYLE KEY, and none with another.")
    return kept, keys
