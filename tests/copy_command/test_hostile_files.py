"""Hostile files with their exact outcomes: each is loaded between two good records, by both paths."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.copy_command.test_copy_paths_agree import exactly, outcome
from tests.fixtures.copying import AUTO, Copier

pytestmark = pytest.mark.long

COLUMNS = (
    "i INTEGER, big BIGINT, v VARCHAR(5), c CHAR(3), r REAL, d DOUBLE PRECISION, n DECIMAL(6,2), t TIMESTAMP,"
    " b BOOLEAN, g DATE"
)
NAMES = ("i", "big", "v", "c", "r", "d", "n", "t", "b", "g")
GOOD = '{"v": "good"}\n'
OPTIONS = AUTO + " MAXERROR 100"


class Code(int):
    """The code with which a record is rejected."""


OVERFLOW = DIGIT = Code(1207)
FLOAT, DECIMAL, BOOLEAN, DATE, MOMENT, LENGTH, UTF8, JSON = map(Code, (1208, 1209, 1210, 1205, 1206, 1204, 1220, 1216))

VALUES: dict[str, list[tuple[str, object]]] = {
    "i": [
        ("2147483647", 2147483647), ("-2147483648", -2147483648), ("2147483648", OVERFLOW), ("1e9", 10**9),
        ("1e10", OVERFLOW), ("1.5", DIGIT), ("5.0", 5), ("-0", 0), ("-0.0", 0), ('"7"', 7), ('"+7"', 7), ('"007"', 7),
        ('"7.0"', DIGIT), ('" 7"', DIGIT), ('"7 "', DIGIT), ('""', None), ("null", None), ("true", DIGIT),
        ("[]", DIGIT),
        ("{}", DIGIT), ("[1]", DIGIT), ('"0x1F"', DIGIT), ('"1_000"', DIGIT), ('"1,000"', DIGIT), ('"٣"', DIGIT),
        ('"null"', DIGIT), ('"NaN"', DIGIT), ("NaN", JSON), ("Infinity", JSON), ("01", JSON), ("+1", JSON),
        (".5", JSON),
        ("1.", JSON), ("0x1", JSON), ("1e-400", DIGIT), ("1e400", DIGIT), (r'"\u0000"', DIGIT), (r'"\ud800"', DIGIT),
        ('"1\\n"', DIGIT), ('"-"', DIGIT), ('"--1"', DIGIT), ("9" * 400, OVERFLOW), ('"\\\\N"', DIGIT),
    ],
    "big": [
        ("9223372036854775807", 2**63 - 1), ("9223372036854775808", OVERFLOW), ("1541022995796.0", 1541022995796),
        ("9007199254740993", 2**53 + 1), ("9007199254740993.0", DIGIT), ('"9223372036854775807"', 2**63 - 1),
        ("18446744073709551616", OVERFLOW), ("1e15", DIGIT), ("999999999999999.0", 999999999999999),
    ],
    "v": [
        ('"12345"', "12345"), ('"123456"', LENGTH), ('"éé1"', "éé1"), ('"ééé"', LENGTH), ('"😀1"', "😀1"),
        ('"😀é"', LENGTH),
        ('"1234 "', "1234 "), ('"12345 "', LENGTH), ('""', ""), ('" "', " "), (r'"\u0000"', UTF8), (r'"\ud800"', UTF8),
        (r'"\ud83d\ude00"', "😀"), (r'"\""', '"'), (r'"\\"', "\\"), (r'"a\nb"', "a\nb"), ('"a,b"', "a,b"),
        (r'"\\."', "\\."),
        (r'"\\N"', "\\N"), ('"NULL"', "NULL"), ("null", None), ("true", "true"), ("false", "false"), ("12", "12"),
        ("1.50", "1.50"), ("2.0", "2"), ("1e2", "100"), ("[1]", "[1]"), ("[ ]", "[ ]"), ("[1, 2]", LENGTH),
        ("{}", "{}"),
        ("NaN", JSON), ("-Infinity", JSON), ("tru", JSON), ('"\t"', JSON), ('"\\x"', JSON), ('"\\u12"', JSON),
        ("'a'", JSON),
        ('"}{"', "}{"), ('"},"', "},"), ('"]["', "]["), ('"{"', "{"), ('"//"', "//"), ('"\u2028"', "\u2028"),
        ('"\ufeff"', "\ufeff"), ('"\x7f"', "\x7f"),
    ],
    "c": [
        ('"abc"', "abc"), ('"ab"', "ab "), ('"abcd"', LENGTH), ('"é"', UTF8), ('""', "   "), ("1", "1  "),
        ("12.0", "12 "),
    ],
    "r": [
        ("1.5", 1.5), ("3.5e38", LENGTH), ("1e-60", LENGTH), ("0e99999", 0.0), ('"x"', FLOAT), ('"1,5"', FLOAT),
        ("true", FLOAT),
        ('"inf"', FLOAT), ('"nan"', FLOAT), ("16777217", 16777216.0),
    ],
    "d": [
        ("1.5", 1.5), ("1e308", 1e308), ("1e309", LENGTH), ("1e-400", LENGTH), ("-0.0", 0.0), ("5e-324", 5e-324),
        ('"1e5"', 1e5), ('".5"', 0.5), ('"5."', 5.0), ('"+5"', 5.0), ('" 5"', FLOAT), ('"5 "', FLOAT),
        ('"0x1p3"', FLOAT),
        ('"Infinity"', FLOAT), ("NaN", JSON), ('"1_0"', FLOAT), ("[]", FLOAT), ("1e-99999999999999999999", LENGTH),
        ("1e99999999999999999999", LENGTH), ('""', None), (r'"\u0000"', FLOAT), ("0." + "0" * 400 + "1", LENGTH),
    ],
    "n": [
        ("1.239", Decimal("1.23")), ("-1.239", Decimal("-1.23")), ("9999.99", Decimal("9999.99")),
        ("9999.999", Decimal("9999.99")),
        ("10000", LENGTH), ("1e3", Decimal(1000)), ("1e4", LENGTH), ("1e-99999", Decimal(0)), ('"x"', DECIMAL),
        ('"1e"', DECIMAL),
        ("1e999999999999999999999", LENGTH), ("0e999999999999999999999", Decimal(0)), ("null", None),
    ],
    "t": [
        ('"2018-11-01"', datetime(2018, 11, 1)),
        ('"2018-11-01 20:57:10.796"', datetime(2018, 11, 1, 20, 57, 10, 796000)),
        ('"2018-11-01T20:57"', datetime(2018, 11, 1, 20, 57)), ('"2018-02-29"', MOMENT), ('"2018-11-01 24:00"', MOMENT),
        ('"2018-11-01 20:57:60"', MOMENT), ("1541105830796", MOMENT), ('"0000-01-01"', MOMENT), ('"now"', MOMENT),
        ('"infinity"', MOMENT), ('"2018-11-01 20:57:10.7961234"', MOMENT), ('"２０１８-11-01"', MOMENT), ('""', None),
    ],
    "b": [
        ("true", True), ('"T"', True), ('"yes"', True), ("1", True), ("1.0", True), ("0", False), ('"n"', False),
        ('"on"', BOOLEAN),
        ("2", BOOLEAN), ('"maybe"', BOOLEAN), ('" t"', BOOLEAN), ("[]", BOOLEAN),
    ],
    "g": [
        ('"2018-11-01"', date(2018, 11, 1)), ('"2018-13-01"', DATE), ('"20181101"', DATE), ('"2018-W44-4"', DATE),
        ("5", DATE),
        ('"2018-11-01 "', DATE), ('"9999-12-31"', date(9999, 12, 31)),
    ],
}  # fmt: skip
# The whole file, the texts loaded into v, and the lines and codes of what is rejected.
FILES: list[tuple[str, bytes, list[str | None], list[tuple[int, int]]]] = [
    ("byte order mark", b"\xef\xbb\xbf" + b'{"v": "a"}\n{"v": "b"}', ["b"], [(1, 1216)]),
    ("UTF-16", '{"v": "a"}'.encode("utf-16"), [], [(1, 1220)]),
    ("NUL between records", b'{"v": "a"}\0{"v": "b"}\n{"v": "c"}', ["a", "c"], [(1, 1216)]),
    ("NUL in a string", b'{"v": "\0"}\n{"v": "c"}', ["c"], [(1, 1216)]),
    ("NUL alone", b"\0", [], [(1, 1216)]),
    ("old Mac line ends", b'{"v": "a"}\r{"v": "b"}', ["a", "b"], []),
    ("Windows line ends", b'{"v": "a"}\r\n\r\n{"v": "b"}\r\n', ["a", "b"], []),
    ("a form feed between", b'{"v": "a"}\f{"v": "b"}\n{"v": "c"}', ["a", "c"], [(1, 1216)]),
    ("a no-break space between", '{"v": "a"}\u00a0{"v": "b"}\n{"v": "c"}'.encode(), ["a", "c"], [(1, 1216)]),
    ("an array around", b'[{"v": "a"},\n{"v": "b"}]', [], [(2, 1216)]),
    ("commas between", b'{"v": "a"},\n{"v": "b"}', ["a", "b"], [(1, 1216)]),
    ("an array without end", b'[{"v": "a"}\n{"v": "b"}', ["b"], [(1, 1216)]),
    ("an object without end", b'{"v": "a"\n{"v": "b"}', ["b"], [(1, 1216)]),
    ("a string without end", b'{"v": "a\n{"v": "b"}', ["b"], [(1, 1216)]),
    ("the last one without end", b'{"v": "a"}\n{"v": "b"', ["a"], [(2, 1216)]),
    ("a brace too many", b'{"v": "a"}}\n{"v": "b"}', ["a", "b"], [(1, 1216)]),
    ("comments", b'{"v": "a"} // no\n# no\n{"v": "b"}', ["a", "b"], [(1, 1216), (2, 1216)]),
    ("a trailing comma", b'{"v": "a",}\n{"v": "b"}', ["b"], [(1, 1216)]),
    ("keys without quotes", b'{v: "a"}\n{"v": "b"}', ["b"], [(1, 1216)]),
    ("a key twice", b'{"v": "a", "v": "b"}\n{"v": "c"}', ["c"], [(1, 1216)]),
    ("a key twice, once escaped", b'{"v": "a", "\\u0076": "b"}\n{"v": "c"}', ["c"], [(1, 1216)]),
    ("scalars", b'5\n"x"\nnull\ntrue\n{"v": "a"}', ["a"], [(1, 1216), (2, 1216), (3, 1216), (4, 1216)]),
    ("empty objects", b"{}\n{}", [None, None], []),
    ("white space alone", b" \r\n\t ", [], []),
    ("CSV", b"v\na\n", [], [(1, 1216), (2, 1216)]),
    ("HTML", b"<html>\n<body>{}</body>", [], [(1, 1216), (2, 1216)]),
    ("gzip that is not declared", b"\x1f\x8b\x08\x00" + bytes(6), [], [(1, 1220)]),
    ("bytes that are no UTF-8", b'{"v": "\xff"}\n{"v": "a"}', ["a"], [(1, 1220)]),
    ("bytes that are no UTF-8 in a key", b'{"\xff": 1}\n{"v": "a"}', ["a"], [(1, 1220)]),
    ("overlong UTF-8", b'{"v": "\xc0\x80"}\n{"v": "a"}', ["a"], [(1, 1220)]),
    ("a surrogate in UTF-8", b'{"v": "\xed\xa0\x80"}\n{"v": "a"}', ["a"], [(1, 1220)]),
    ("a character cut in two", b'{"v": "\xc3"}\n{"v": "a"}', ["a"], [(1, 1220)]),
    ("a deep value", b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b'}\n{"v": "a"}', ["a"], [(1, 1216)]),
    ("brackets without end", b"[" * 100_000 + b'\n{"v": "a"}', ["a"], [(1, 1216)]),
    ("an object over 4 MB", b'{"x": "' + b"x" * (4 << 20) + b'"}\n{"v": "a"}', ["a"], [(1, 1216)]),
    ("ten thousand keys", b"{" + b",".join(b'"k%d": 1' % n for n in range(10_000)) + b', "v": "a"}', ["a"], []),
    ("a key of a megabyte", b'{"' + b"k" * (1 << 20) + b'": 1, "v": "a"}', ["a"], []),
    ("a number of a megabyte", b'{"x": ' + b"9" * (1 << 20) + b', "v": "a"}', ["a"], []),
    ("objects that touch", b'{"v": "a"}{"v": "b"}{"v": "c"}', ["a", "b", "c"], []),
    ("other keys alone", b'{"V": "a"}\n{"": 1}', [None, None], []),
]


def by_both_paths(copier: Copier, monkeypatch: pytest.MonkeyPatch, data: bytes) -> tuple[list[tuple], list[tuple]]:
    """The rows in the order of their repr, and line, code and column of what is rejected: the same by both paths."""
    source = copier.file(data)
    fast = outcome(copier, source, OPTIONS)
    assert fast == exactly(monkeypatch, lambda: outcome(copier, source, OPTIONS))
    return fast[0], [error[:3] for error in fast[1]]


def wanted(column: str, expected: object) -> tuple[list[tuple], list[tuple]]:
    """The same of a file with a hostile value for this column between two good records."""
    good = tuple("good" if name == "v" else None for name in NAMES)
    if not isinstance(expected, Code):
        between = tuple(expected if name == column else None for name in NAMES)
        return sorted([good, between, good], key=repr), []
    return [good, good], [(2, expected, "" if expected == JSON else column)]


@pytest.mark.parametrize("column", VALUES)
def test_a_hostile_value(copier: Copier, monkeypatch: pytest.MonkeyPatch, column: str):
    """Each of the column's, in a file of its own."""
    copier.create(COLUMNS)
    wrong = []
    for value, expected in VALUES[column]:
        data = f'{GOOD}{{"{column}": {value}}}\n{GOOD}'.encode()
        found, right = by_both_paths(copier, monkeypatch, data), wanted(column, expected)
        if found != right:
            wrong.append((value[:30], found, right))
    assert wrong == []


@pytest.mark.parametrize(("data", "texts", "errors"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_hostile_file(copier: Copier, monkeypatch: pytest.MonkeyPatch, data: bytes, texts, errors):
    copier.create("v VARCHAR(5)")
    rows, rejected = by_both_paths(copier, monkeypatch, data)
    assert rows == sorted(((text,) for text in texts), key=repr)
    assert [error[:2] for error in rejected] == errors


def test_there_are_as_many_as_promised():
    assert len(FILES) + sum(map(len, VALUES.values())) >= 150
