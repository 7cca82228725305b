"""COPY of JSON: what is a row, and which value goes into which column."""

import json
from itertools import product

import pytest

from infra.local.copy_command.model import DEEPEST_NESTING
from tests.fixtures.copying import Copier


def paths(copier: Copier, *paths: str, key: str = "jsonpaths") -> str:
    """A COPY's FORMAT with a jsonpaths file of these paths."""
    return f"FORMAT AS JSON '{copier.file(json.dumps({key: paths}), 'paths/paths.json')}'"


def test_auto_matches_keys_with_lower_case_columns_case_sensitively(copier: Copier):
    copier.create("user_id INTEGER, level VARCHAR")
    assert copier.load('{"user_id": 1, "Level": "paid"} {"USER_ID": 2, "level": "free"}') == [(1, None), (None, "free")]


def test_auto_ignorecase_matches_in_any_case(copier: Copier):
    copier.create("user_id INTEGER, level VARCHAR")
    data = '{"User_Id": 1, "LEVEL": "paid"} {"user_id": 2, "level": "free"}'
    assert copier.load(data, "FORMAT JSON 'auto ignorecase'") == [(1, "paid"), (2, "free")]


def test_auto_ignorecase_rejects_keys_that_differ_in_case_only(copier: Copier):
    """Which of them Redshift takes is not documented."""
    assert copier.rejected('{"a": "x", "A": "y"}', "FORMAT JSON 'auto ignorecase'") == [(1, 1216, "", "")]


def test_noshred_is_refused(copier: Copier):
    assert "noshred" in copier.refused("FORMAT JSON 'noshred'")


@pytest.mark.parametrize("data", ['{"a": "1"} {"a": "2"}\t{"a": "3"}', '\n{"a": "1"}\r\n{"a": "2"}\n\n{"a": "3"}\n'])
def test_rows_are_separated_by_white_space(copier: Copier, data: str):
    assert copier.load(data) == [("1",), ("2",), ("3",)]


@pytest.mark.parametrize("line", ['{"a": "1"}{"a": "2"}', '{"a": "1"}{"a": "2"}{"a": "}{"}', '{"a":"\\\\"}{"a":"}{"}'])
def test_objects_may_touch(copier: Copier, line: str, monkeypatch: pytest.MonkeyPatch):
    """Firehose delivers them so."""
    one_by_one = line.replace('}{"a"', '}\n{"a"')
    expected = copier.load(one_by_one)
    for whole in (range(1, 1 << 40), range(0)):
        monkeypatch.setattr("infra.local.copy_command.batches.WHOLE", whole)
        copier.create("a VARCHAR")
        assert copier.load(line * 3) == expected * 3


def test_a_row_may_take_many_lines_and_share_one(copier: Copier):
    assert copier.load('{\n  "a":\n    "1"\n}\n{"a": "2"} {"a":\n"3"}') == [("1",), ("2",), ("3",)]


@pytest.mark.parametrize("data", ['{"a": "1"},{"a": "2"}', '{"a": "1"},\n{"a": "2"}', '{"a": "1"}\n, {"a": "2"}'])
def test_a_comma_between_objects_is_an_error(copier: Copier, data: str):
    line = data.split(",")[0].count("\n") + 1
    assert copier.rejected(data) == [(line, 1216, "", "")]


def test_an_array_at_the_root_is_one_row_and_needs_positions(copier: Copier):
    assert copier.rejected('[{"a": "1"}]') == [(1, 1216, "", "")]
    assert copier.load('["x", ["y", {"z": 1}]] ["w"]', paths(copier, "$[1]")) == [('["y", {"z": 1}]',), (None,)]


@pytest.mark.parametrize("data", ['"a"', "5", "null", "x"])
def test_a_scalar_at_the_root_is_no_row(copier: Copier, data: str):
    assert copier.rejected('{"a": "1"}\n' + data) == [(2, 1216, "", "")]


def test_a_key_without_a_value_is_null_and_a_column_outside_the_list_has_its_default(copier: Copier):
    copier.create("a INTEGER, b INTEGER DEFAULT 7, c INTEGER")
    assert copier.load('{"a": 1, "b": 2, "c": 3}', columns="(a)") == [(1, 7, None)]
    assert copier.load('{"a": 2}') == [(1, 7, None), (2, None, None)]


def test_null_into_not_null_is_1213(copier: Copier):
    copier.create("a INTEGER NOT NULL, b VARCHAR")
    for data in ('{"b": "x"}', '{"a": null}', '{"a": ""}'):
        assert copier.rejected('{"a": 1}\n' + data) == [(2, 1213, "a", "")]


def test_an_identity_column_counts_and_takes_no_values(copier: Copier):
    copier.create("id INTEGER IDENTITY(1, 1), a INTEGER")
    assert [row[1] for row in copier.load('{"id": 9, "a": 1} {"id": 9, "a": 2}')] == [1, 2]
    assert "identity" in copier.refused(columns="(id, a)")


@pytest.mark.parametrize("path", ["$['x']", '$["x"]', "$.x"])
def test_jsonpaths_in_bracket_or_dot_notation(copier: Copier, path: str):
    assert copier.load('{"x": "1", "a": "2"}', paths(copier, path)) == [("1",)]


@pytest.mark.parametrize(
    "path", ["$['x'].y", "$.x['y']", "$.*", "$['*'][*]", "$..x", "x", "$", "$.x y", "$[-1]", 5, None]
)
def test_mixed_notation_wildcards_and_what_is_no_path_are_refused(copier: Copier, path: object):
    assert "Invalid JSONPath format" in copier.refused(paths(copier, path))


def test_jsonpaths_reach_nested_objects_and_arrays(copier: Copier):
    copier.create("a VARCHAR, b INTEGER, c VARCHAR")
    options = paths(copier, "$['x']['y']", "$['x']['z'][1]", "$['x']")
    assert copier.load('{"x": {"y": "deep", "z": [1, 2]}} {"x": 5}', options) == [
        ("deep", 2, '{"y": "deep", "z": [1, 2]}'),
        (None, None, "5"),
    ]


def test_jsonpaths_are_in_the_order_of_the_columns_and_ignore_their_names(copier: Copier):
    copier.create("a VARCHAR, b VARCHAR")
    assert copier.load('{"a": "1", "b": "2"}', paths(copier, "$.b", "$.a")) == [("2", "1")]
    assert copier.load('{"a": "3", "b": "4"}', paths(copier, "$.a"), "(b)") == [("2", "1"), (None, "3")]


def test_another_key_than_jsonpaths_silently_means_auto(copier: Copier):
    assert copier.load('{"x": "1", "a": "2"}', paths(copier, "$.x", key="jsonpath")) == [("2",)]


def test_as_many_paths_as_columns(copier: Copier):
    assert "Number of jsonpaths and the number of columns should match" in copier.refused(paths(copier, "$.a", "$.b"))


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"jsonpaths": 1}', b'{"jsonpaths": [], "x": 1}', b"\xff"])
def test_a_broken_jsonpaths_file_fails_whatever_maxerror_says(copier: Copier, content: bytes):
    file = copier.file(content, "paths/broken.json")
    message = copier.refused(f"FORMAT JSON '{file}' MAXERROR 100")
    assert "Invalid jsonpaths file" in message and file in message


def test_a_key_twice_is_rejected_where_it_is_loaded(copier: Copier):
    """Which of the values Redshift takes is not documented; of keys that are not loaded nothing depends on it."""
    assert copier.rejected('{"a": "1", "a": "2"}') == [(1, 1216, "", "")]
    assert copier.load('{"x": 1, "x": 2, "a": "3"}') == [("3",)]


def test_an_object_over_4_mb_is_rejected(copier: Copier):
    fits = '{"x": "' + "x" * ((4 << 20) - 9) + '"}'
    assert copier.load(f'{fits}\n{{"a": "1"}}') == [(None,), ("1",)]
    copier.connection.commit()
    for large in (fits.replace("x", "xx", 1), fits[:-2] + 'x"}', '{"x": "' + "é" * (2 << 20) + '"}'):
        assert copier.rejected(f'{{"a": "1"}}\n{large}\n{{"a": "1"}}') == [(2, 1216, "", "")]


@pytest.mark.parametrize(
    "data",
    [
        '{"a": 1', '{"a" 1}', '{"a": 01}', '{"a": tru}', "{'a': 1}", '{"a": 1,}', '{"x": [1 , ], "a": 1}',
        '{"a": "\t"}',
        '{"a": "\\x"}', '{"a": 1}}', '{"a": NaN}', '{"a": [-Infinity ]}', '{"a": +1}', '{"a": .5}',
        '{"a": 1} \f{"a": 2}', '\ufeff{"a": 1}', '{"a": 1} // x',
    ],
)  # fmt: skip
def test_what_is_no_json_is_1216(copier: Copier, data: str):
    copier.create("a INTEGER")
    assert copier.rejected(data) == [(1, 1216, "", "")]


def test_nan_passes_where_no_column_takes_it(copier: Copier):
    """Unsure of Redshift: what is no JSON number is refused where it would be loaded, and not looked for elsewhere."""
    copier.create("a INTEGER")
    assert copier.load('{"x": NaN, "a": 1} {"x": [-Infinity ], "a": 2}') == [(1,), (2,)]


def test_the_line_of_an_error_is_the_last_of_its_object(copier: Copier):
    copier.create("a INTEGER")
    assert copier.rejected('{"a":\n1}\n\n{\n"a":\n"x"\n} {"a": 2}') == [(7, 1207, "a", "x")]


def deep(levels: int) -> str:
    """An object whose nested value, `x`, makes it so many levels deep."""
    return '{"a": "deep", "x": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


@pytest.mark.parametrize(
    "levels",
    [400, DEEPEST_NESTING, DEEPEST_NESTING + 1, 990, 1000, 1010, 5000, 20_000]
    + [pytest.param(100_000, marks=pytest.mark.slow)],
)
def test_a_deep_object_is_judged_by_itself_alone(copier: Copier, monkeypatch, levels: int):
    """Its neighbour decides which path reads it; DuckDB crashes at some depth, Python's decoder gives up."""
    fits = levels <= DEEPEST_NESTING
    wrong = []
    for whole, between, (neighbour, value) in product(
        (range(1, 1 << 30), range(0)), "\n ", (('"1"', "1"), ('{"b": 0.50}', '{"b": 0.50}'), ('"x", "b": "]["', "x"))
    ):
        monkeypatch.setattr("infra.local.copy_command.batches.WHOLE", whole)
        beside = f'{{"a": {neighbour}}}'
        copier.copy(copier.file(between.join([beside, deep(levels), beside])), "FORMAT JSON 'auto' MAXERROR 2")
        rows, codes = sorted(copier.rows()), [error[1] for error in copier.errors()]
        copier.execute("TRUNCATE t")
        if (rows, codes) != (sorted([(value,), (value,)] + [("deep",)] * fits), [] if fits else [1216]):
            wrong.append((whole, between, neighbour, rows, codes))
    assert wrong == []


@pytest.mark.parametrize("whole", [False, True])
def test_nesting_from_line_to_line_is_seen_behind_brackets_in_keys(copier: Copier, monkeypatch, whole):
    """Each of its lines looks like a flat object, {}, where only the brackets of a line are looked at."""
    monkeypatch.setattr("infra.local.copy_command.batches.WHOLE", range(1, 1 << 30) if whole else range(0))
    source = copier.file('{"a": "1"}\n' + '{"}":\n' * 100_000 + "1" + "}" * 100_000 + '\n{"a": "2"}')
    copier.copy(source, "FORMAT JSON 'auto' MAXERROR 2")
    assert copier.rows() == [("1",), ("2",)]
    assert [error[1] for error in copier.errors()] == [1216]


def test_brackets_in_strings_are_no_nesting(copier: Copier):
    tricky = '{"a": "1", "x": [' + ", ".join(['"]"', '"\\\\"', '"["', r'"\"]["'] * 2000) + "]}"
    assert copier.load(tricky) == [("1",)]
    mixed = '{"a": "2", "x": ' + '["]", ' * 3000 + "1" + "]" * 3000 + "}"
    assert copier.rejected(mixed) == [(1, 1216, "", "")]


@pytest.mark.parametrize("digits", ["5" * 5000, "0" * 5000 + "1", "99999999999"])
def test_a_jsonpath_s_position_may_have_any_number_of_digits(copier: Copier, digits: str):
    expected = [("y",)] if digits.endswith("01") else [(None,)]
    assert copier.load('["x", "y"]', paths(copier, f"$[{digits}]")) == expected


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"jsonpaths": [' + "1" * 5000 + "]}", '{"jsonpaths": ["$.\\ud800"]}']
)
def test_a_hostile_jsonpaths_file_is_refused_in_a_sentence(copier: Copier, content: str):
    message = copier.refused(f"FORMAT JSON '{copier.file(content, 'paths/hostile.json')}'")
    assert "Invalid JSON" in message or "Invalid jsonpaths file" in message
    assert len(message) < 400
