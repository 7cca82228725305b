"""A statement's tokens: strings without backslashes, names in lower case, and what sqlglot would read too kindly."""

import re

from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from infra.errors import LackingError, NotSupportedError

TEXTS = (TokenType.STRING, TokenType.IDENTIFIER)
NAME_LENGTH = 63  # bytes, of PostgreSQL; Redshift has 127

# A quoted name, a comment (which are left alone), or a string with its letter E.
_PARTS = re.compile(
    r'"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\b[eE]?\'(?:[^\'\\]|\'\'|\\.)*\'|\'(?:[^\'\\]|\'\'|\\.)*\'', re.DOTALL
)
_ESCAPE = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_BEFORE_NAMES = {"INTO", "TABLE", "EXISTS", "JOIN", "UPDATE"}
_DANGLING = {"FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION"}


class Tokenizer(Redshift.Tokenizer):
    """Without escapes by backslash: they are read before."""

    STRING_ESCAPES = ["'"]


def syntax_error(word: str) -> NotSupportedError:
    """Redshift's message for a word that does not belong where it stands."""
    return NotSupportedError(f'syntax error at or near "{word}"')


def without_escapes(text: str) -> str:
    """The text with what its backslashes in strings mean: \\n a line's end, \\101 an octal code, \\x the x itself."""
    if "\\" not in text and "E'" not in text and "e'" not in text:
        return text
    return _PARTS.sub(lambda part: _unescaped(part[0]), text)


def _unescaped(part: str) -> str:
    """One part of the text; a string comes back as standard SQL writes it."""
    if part[0] not in "'eE":
        return part
    body = part[part.index("'") + 1 : -1].replace("''", "\\'")
    return "'" + _ESCAPE.sub(_meaning, body).replace("'", "''") + "'"


def _meaning(escape: re.Match[str]) -> str:
    """The character that an escape means."""
    return chr(int(escape[1], 8)) if escape[1][0] in "01234567" else _ESCAPED.get(escape[1], escape[1])


def split(text: str) -> tuple[str, ...]:
    """The statements of a text, one or several between semicolons."""
    if ";" not in text:
        return (text,)
    plain = without_escapes(text)
    statements, start = [], 0
    try:
        for token in Tokenizer().tokenize(plain):
            if token.token_type == TokenType.SEMICOLON:
                statements.append(plain[start : token.start])
                start = token.end + 1
        statements.append(plain[start:])
        return tuple(part.replace("\\", "\\\\") for part in statements if Tokenizer().tokenize(part)) or (text,)
    except SqlglotError:
        return (text,)  # translate says what is wrong with it


def tokens(text: str) -> list[Token]:
    """The tokens of one statement. Raises NotSupportedError."""
    try:
        found: list[Token] = Tokenizer().tokenize(text)
    except SqlglotError:
        raise NotSupportedError("The statement cannot be read: a quote or a comment does not end.") from None
    while found and found[-1].token_type == TokenType.SEMICOLON:
        found.pop()
    kept: list[Token] = []
    for token in found:
        if token.token_type in (TokenType.VAR, TokenType.IDENTIFIER) and len(token.text.encode()) > NAME_LENGTH:
            raise NotSupportedError(
                f"The embedded warehouse does not cover names over {NAME_LENGTH} bytes: {token.text}"
            )
        if token.token_type == TokenType.NUMBER and not re.fullmatch("[!-~]{1,1000}", token.text):
            raise syntax_error(token.text[:20])
        if token.token_type == TokenType.IDENTIFIER:  # quoted names fold too, unless a setting says otherwise
            token = Token(token.token_type, folded(token.text), token.line, token.col, token.start, token.end)
        elif token.token_type == TokenType.CURRENT_USER_ID:  # a name for the parser, like the other constants
            token = Token(TokenType.VAR, token.text, token.line, token.col, token.start, token.end)
        kept.append(token)
    _check(kept)
    return [token for token in kept if token.text.upper() != "APPROXIMATE"]


def folded(name: str) -> str:
    """A name in lower case, as far as it is ASCII."""
    return "".join(letter.lower() if letter < "\x7f" else letter for letter in name)


def _check(found: list[Token]) -> None:
    """Refuse what sqlglot takes and Redshift does not: a comma before nothing, ==, a query that begins with FROM."""
    words = ["" if token.token_type in TEXTS else token.text.upper() for token in found]
    for position, (word, following) in enumerate(zip(words, [*words[1:], "end of input"], strict=False)):
        if word == "," and (following in _DANGLING or following in (")", "end of input")):
            raise syntax_error(following.lower())
        counted = following == "PERCENTILE_DISC" or words[position + 1 : position + 4] == ["COUNT", "(", "DISTINCT"]
        if word == "APPROXIMATE" and not counted:
            raise LackingError("Amazon Redshift has no APPROXIMATE but with COUNT(DISTINCT) and PERCENTILE_DISC.")
        if word == "==" or (word == "," and words[position - 2] == "LIMIT"):
            raise syntax_error(word)
        if following == "(+)" and (word == ")" or word[:1].isdigit()):  # of a column alone
            raise syntax_error("(+)")
        if word in ("(", "ALL", "UNION") and following == "FROM":
            raise syntax_error("FROM")
        if word in _BEFORE_NAMES and found[position + 1 :] and found[position + 1].token_type == TokenType.STRING:
            raise syntax_error(f"'{found[position + 1].text}'")
    begun = (word for word in words if word in ("SELECT", "VALUES", "WITH", "DEFAULT", "FROM"))
    if words[:1] == ["INSERT"] and next(begun, "") == "FROM":
        raise syntax_error("FROM")
