"""COPY's fast path and its exact path load the same rows and reject the same records, however the files are cut."""

import json
from collections.abc import Callable

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.copy_command import batches, fast_path, load
from tests.fixtures.copying import AUTO, Copier

pytestmark = pytest.mark.long

COLUMNS = "a VARCHAR(12), b INTEGER, c DOUBLE PRECISION, d TIMESTAMP, e VARCHAR, f BIGINT NOT NULL"
OPTIONS = AUTO + " TIMEFORMAT 'epochmillisecs'"
RELAXED = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}

texts = st.one_of(
    st.text(max_size=14),
    st.sampled_from(
        ["", " ", "4.6", "-0", "1e5", "12", "+7", " 1", "NaN", "-Infinity", "null", "true", "[1]", '{"a":1}', "{", "}{",
         "} {", "}\n{", ",}", ", ]", "\\", '"', "\0", "\ud800", "\\.", "abc         ", "é" * 7, "😀", "x" * 257, "nan,"]
    ),
).map(lambda text: json.dumps(text, ensure_ascii=len(text) % 2 == 0 or text == "\ud800"))  # fmt: skip
numbers = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["0", "-0", "-0.0", "0.10", "1e5", "1E+5", "22.50", "1e400", "1e-400", "5e-324", "1541105830796",
         "99999999999999", "-99999999999999", "123456789012345678901234567890", "2147483648", "1.0", "01",
         "1541022995796.0", "267.91138", "999999999999999.0", "1000000000000000.0", "123456789012345678901.0", "1.50",
         "1541022995796.00000000001", "0.99999999999999999999", "1E-99999999999999999999", "0e99999999999999999999",
         "+1", ".5", "1.", "0x1", "-", "9" * 30]
    ),
)  # fmt: skip
leaves = st.one_of(texts, numbers, st.sampled_from(["null", "true", "false", "NaN", "-Infinity", "nul", "[]", "{}"]))
spaces = st.sampled_from(["", "", "", " ", "\n", "\t \r\n"])
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(st.tuples(texts, inner), max_size=3).map(
            lambda pairs: "{" + ",".join(f"{k}:{v}" for k, v in pairs) + "}"
        ),
    ),
    max_leaves=4,
)
keys = st.sampled_from(
    ['"a"', '"b"', '"c"', '"d"', '"e"', '"f"', '"f"', '"A"', '"x"', r'"\u0061"', r'"\u0000"', '""', "a"]
)
members = st.builds(lambda key, s, t, value, u: f"{key}{s}:{t}{value}{u}", keys, spaces, spaces, values, spaces)
wild = st.builds(
    lambda parts, start, end: "{" + start + ",".join(parts) + end + "}",
    st.lists(members, max_size=5),
    spaces,
    st.sampled_from(["", "", "", "", " ", ",", " , "]),
)


def written(a: str, b: str, c: str, d: str, e: str, f: str) -> str:
    """An object with every key, as programs write them."""
    return f'{{"a":{a},"b":{b}, "c":{c}, "d": {d},"e":{e},"f":{f}}}'


tame = st.builds(
    written, texts, st.integers(-(2**31), 2**31).map(str), numbers, st.integers(-(10**14), 10**14).map(str), values,
    st.integers(-(2**63), 2**63 - 1).map(str),
)  # fmt: skip
clean = st.builds(
    written, st.text("ab é😀", max_size=3).map(json.dumps), st.integers(-9, 9).map(str),
    st.sampled_from(["1.5", "7.0", '""', "null"]),
    st.just("1541105830796"), st.text(max_size=9).filter(lambda t: "\0" not in t).map(json.dumps), st.just("1"),
)  # fmt: skip
broken = st.sampled_from(
    ['{"a": 1', '{"f": 1} x', "]", "[]", '[{"f": 1}]', "5", "null", '{"f": 1},', '"', "\ufeff", '{"f": 1}}']
)
separators = st.sampled_from(["\n", "\n", "\n", "\r\n", " ", "\n\n \t", "", ",", "\f", "\n,"])
files = st.one_of(
    st.lists(clean, min_size=1, max_size=6).map("\n".join),
    st.lists(tame, min_size=1, max_size=3).map("\n".join),
    st.lists(wild, min_size=1, max_size=3).map("\n".join),
    st.lists(st.tuples(st.one_of(clean, tame, wild, broken), separators).map("".join), min_size=1, max_size=4).map(
        "".join
    ),
)


def outcome(copier: Copier, source: str, options: str = OPTIONS + " MAXERROR 100") -> tuple:
    """The rows that a COPY loads and what it rejects; nothing stays."""
    try:
        copier.copy(source, options)
        rows = sorted(copier.rows(), key=repr)
    except psycopg2.InternalError as error:
        rows = error.diag.message_primary
    copier.connection.rollback()
    errors = "SELECT line_number, err_code, colname, raw_line, raw_field_value, err_reason FROM stl_load_errors"
    return rows, copier.execute(errors + " WHERE query = pg_last_copy_id() ORDER BY filename, line_number, raw_line")


def exactly(monkeypatch: pytest.MonkeyPatch, call: Callable[[], tuple]) -> tuple:
    """The same call with the fast path switched off."""
    with monkeypatch.context() as patch:
        patch.setattr(fast_path, "is_simple", lambda plan: False)
        patch.setattr(load, "is_simple", lambda plan: False)
        return call()


def compare(copier: Copier, monkeypatch: pytest.MonkeyPatch, data: str) -> None:
    """Load the data by both paths."""
    source = copier.file(data.encode("utf-8", "surrogatepass"))
    fast = outcome(copier, source)
    assert fast == exactly(monkeypatch, lambda: outcome(copier, source))


def test_both_paths_agree(copier: Copier, monkeypatch: pytest.MonkeyPatch):
    copier.create(COLUMNS)
    settings(max_examples=40, **RELAXED)(given(files)(lambda data: compare(copier, monkeypatch, data)))()


@pytest.mark.parametrize(
    "data",
    [
        '{"c":{"\\u001f\\u001f\x80":"","0\\"\\u001f\\u001f\\u0007\\u0800":""},"c":[]}',
        written('""', "0", "1e-400", "0", '""', "0"),
        "\n".join(written('""', "0", number, "0", '""', "0") for number in ("0.0", "-0.0", "0", "3e-324")),
    ],
    ids=["DuckDB quotes half a character", "DuckDB calls it 0.0", "zero and nearly"],
)
def test_both_paths_agree_on_what_was_found(copier: Copier, monkeypatch: pytest.MonkeyPatch, data: str):
    """Objects on which they once did not."""
    copier.create(COLUMNS)
    compare(copier, monkeypatch, data)


@pytest.mark.slow
def test_both_paths_agree_at_length(copier: Copier, monkeypatch: pytest.MonkeyPatch):
    copier.create(COLUMNS)
    settings(max_examples=600, **RELAXED)(given(files)(lambda data: compare(copier, monkeypatch, data)))()


def test_clean_data_take_the_fast_path(copier: Copier, monkeypatch: pytest.MonkeyPatch):
    """Else the tests of agreement would compare the exact path with itself."""
    copier.create(COLUMNS)
    exact = []
    monkeypatch.setattr(load.Loader, "load_exact", lambda loader, batch: exact.append(batch))
    data = written('"2018-11-01"', "1", "1.5", "1541105830796", '"é {x} a, {b} -0 NaN"', "1") + "\n"
    pretty = json.dumps(json.loads(data), indent=2).replace("1.5", '"1.5"')
    copier.load(data * 3 + pretty, OPTIONS)
    assert not exact and len(copier.rows()) == 4


LINES = [f'{{"a": "{number}", "b": {number},\n "e": "}} {{ }}{{ \\" \\\\", "f": {number}}}' for number in range(40)]


@pytest.mark.parametrize("between", ["\n", " ", "\r\n \n"])
@pytest.mark.parametrize(
    ("batch", "block", "whole"), [(1, 1, 1 << 40), (100, 7, 1 << 40), (1000, 64, 1 << 40), (200, 50, 1)]
)
def test_cuts_between_blocks_and_batches_change_nothing(copier: Copier, monkeypatch, between, batch, block, whole):
    copier.create(COLUMNS)
    for fault in ('"b": 17,', '"b": "x",'):
        source = copier.file(between.join(LINES).replace('"b": 17,', fault))
        expected = outcome(copier, source)
        with monkeypatch.context() as patch:
            patch.setattr(batches, "PIECE", batch)
            patch.setattr(batches, "BLOCK", block)
            patch.setattr(batches, "WHOLE", range(whole, 1 << 50))
            assert outcome(copier, source) == expected
    rows, errors = expected
    assert sorted(row[1] for row in rows) == [*range(17), *range(18, 40)]
    lines_each = 1 + between.count("\n")
    assert [error[:3] for error in errors] == [(17 * lines_each + 2, 1207, "b")]


def test_a_file_on_one_line_is_cut_outside_its_strings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches, "PIECE", 1)
    first, second = r'{"a": "} {\" \\"} ', r'{"a": "} {'
    assert batches._cut((first + second).encode()) == len(first)
    assert batches._cut(second.encode()) == 0


def test_an_object_without_end_does_not_fill_the_memory(copier: Copier, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches, "PIECE", 1 << 20)
    sizes = []
    exact = load.Loader.load_exact
    monkeypatch.setattr(
        load.Loader,
        "load_exact",
        lambda loader, batch: (
            sizes.append(sum(len(segment.data) for segment in batch.segments)) or exact(loader, batch)
        ),
    )
    assert copier.rejected('[{"a": "1"}' + ', {"a": "1"}' * 2_000_000) == [(1, 1216, "", "")]
    assert max(sizes) <= 10 << 20
