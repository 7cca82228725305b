"""Redshift SQL to PostgreSQL SQL, or a refusal.

What Redshift lacks is refused, and so is what the stand-in does not cover: everything that supported.py does not list.
Table attributes that only a cluster needs (DISTKEY, SORTKEY, DISTSTYLE, ENCODE) are taken off the token stream, because
sqlglot's parser does not know all their forms; sqlglot does the rest, and rewrite.py what sqlglot gets wrong.

Not imitated: blanks at the end of a VARCHAR, which Redshift ignores when it compares; the digits of a DECIMAL division,
of which Redshift keeps fewer; that a FOREIGN KEY names a table that is there and keeps it from being dropped.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokens import Token, TokenType

from infra.errors import NotSupportedError
from infra.local.dialect import rewrite, supported, validate

_TEXTS = (TokenType.STRING, TokenType.IDENTIFIER)


class StandIn(Redshift):
    """sqlglot's Redshift with the functions of the vocabulary alone, and with strings as psycopg2 writes them here.

    A backslash in a string is itself: connection.py refuses one in a query, so it can only be part of a bound value.
    """

    class Tokenizer(Redshift.Tokenizer):
        """Without escapes by backslash."""

        STRING_ESCAPES = ["'"]

    class Parser(Redshift.Parser):
        """Without the functions of other dialects."""

        FUNCTIONS = {k: v for k, v in Redshift.Parser.FUNCTIONS.items() if k in supported.FUNCTIONS}
        FUNCTION_PARSERS = {k: v for k, v in Redshift.Parser.FUNCTION_PARSERS.items() if k in supported.FUNCTIONS}
        NO_PAREN_FUNCTION_PARSERS = {"CASE": Redshift.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}


@dataclass(frozen=True)
class Statement:
    """A statement ready to run: `sql` is PostgreSQL's, `verb` its first word (COPY keeps Redshift's own text)."""

    verb: str
    sql: str


@lru_cache(maxsize=256)
def translate(text: str) -> Statement:
    """One Redshift statement in PostgreSQL's SQL. Raises NotSupportedError, also for more than one statement."""
    try:
        tokens = StandIn().tokenize(text)
    except SqlglotError as error:
        raise NotSupportedError(f"The statement cannot be read: {_first_line(error)}") from None
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        return Statement("", text)
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise NotSupportedError("The stand-in takes one statement at a time: execute them one by one.")
    verb = tokens[0].text.upper()
    body = text[tokens[0].start : tokens[-1].end + 1]
    if verb == "COPY" or verb in supported.PLAIN_STATEMENTS:
        pattern = supported.PLAIN_STATEMENTS.get(verb, "")
        if not re.match(pattern, " ".join(body.split()), re.IGNORECASE):
            raise NotSupportedError(f"The stand-in does not cover this form of {verb}.")
        return Statement(verb, body)
    for words, instead in supported.LACKING_STATEMENTS.items():
        if [token.text.upper() for token in tokens[: len(words.split())]] == words.split():
            raise NotSupportedError(f"Amazon Redshift has no {words}{instead}.", lacking=True)
    if verb not in supported.VERBS:
        raise NotSupportedError(f"The stand-in does not cover {verb} statements.")
    _refuse_lacking_words(tokens, in_table=verb == "CREATE")
    keys: list[str] = []
    if verb == "CREATE":
        tokens, keys = _without_table_attributes(tokens)
    tree = _parse(tokens, text)
    if isinstance(tree, exp.Create):
        validate.create(tree, keys)
    validate.nodes(tree)
    return Statement(verb, _generate(rewrite.statement(tree)))


def _parse(tokens: list[Token], text: str) -> exp.Expression:
    """sqlglot's tree of one statement. Raises NotSupportedError where it is not one that the stand-in covers."""
    try:
        tree = StandIn().parser(error_level=ErrorLevel.RAISE).parse(tokens, text)[0]
    except SqlglotError as error:
        raise NotSupportedError(f"The statement cannot be parsed as Redshift SQL: {_first_line(error)}") from None
    if not isinstance(tree, supported.STATEMENTS):
        raise NotSupportedError(f"The stand-in does not cover {tokens[0].text.upper()} statements of this kind.")
    return tree


def _generate(tree: exp.Expression) -> str:
    """PostgreSQL's text of a rewritten tree; anything that sqlglot would leave out silently is refused."""
    try:
        return tree.sql(dialect="postgres", unsupported_level=ErrorLevel.RAISE, comments=False)
    except SqlglotError as error:
        raise NotSupportedError(f"The stand-in does not cover this statement: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    """sqlglot's message without its copy of the statement and its terminal colours."""
    return re.sub(r"\x1b\[\d+m", "", str(error)).splitlines()[0]


def _refuse_lacking_words(tokens: list[Token], in_table: bool) -> None:
    """Refuse functions, column types and constraints that Redshift lacks, which the parser would rename or not read."""
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        word = token.text.upper()
        if token.token_type in _TEXTS:
            continue
        if word in supported.LACKING_FUNCTIONS and following and following.token_type == TokenType.L_PAREN:
            raise NotSupportedError(f"Amazon Redshift has no {word}{supported.LACKING_FUNCTIONS[word]}.", lacking=True)
        if in_table and word in supported.LACKING_WORDS:
            raise NotSupportedError(f"Amazon Redshift has no {supported.LACKING_WORDS[word]}.", lacking=True)


def _without_table_attributes(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    """The tokens without DISTKEY, SORTKEY, DISTSTYLE, ENCODE, BACKUP and their arguments, and the columns named."""
    kept: list[Token] = []
    keys: list[str] = []
    words = ["" if token.token_type in _TEXTS else token.text.upper() for token in tokens] + ["", ""]
    depth = position = 0
    while position < len(tokens):
        word, following = words[position], words[position + 1]
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "AS" and depth == 0:  # CREATE TABLE ... AS, CREATE VIEW ... AS: the query has no attributes
            return kept + tokens[position:], keys
        if word in supported.ATTRIBUTES:
            if following not in supported.ATTRIBUTES[word]:
                raise NotSupportedError(f"The stand-in does not cover {word} {following}.")
            position += 1
        elif word in ("COMPOUND", "INTERLEAVED") and following == "SORTKEY":
            pass
        elif word in ("DISTKEY", "SORTKEY") and following == "AUTO":
            position += 1
        elif word in ("DISTKEY", "SORTKEY") and following == "(":
            position += 2
            while position < len(tokens) and words[position] != ")":
                if words[position] != ",":
                    keys.append(tokens[position].text)
                position += 1
        elif word not in ("DISTKEY", "SORTKEY"):
            kept.append(tokens[position])
        position += 1
    return kept, keys
