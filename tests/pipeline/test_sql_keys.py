"""The rules that keep a planner which trusts declared keys right, held by parsing the statements."""

import pytest
import sqlglot
from sqlglot import exp

import sql_queries
from infra.database import statement_name

STATEMENTS = [*sql_queries.insert_table_queries, *sql_queries.staging_checks, *sql_queries.quality_checks]
KEYS = {  # what is declared: (table, column) -> (table, column) that it refers to
    ("songplays", "start_time"): ("time", "start_time"), ("songplays", "user_id"): ("users", "user_id"),
    ("songplays", "song_id"): ("songs", "song_id"), ("songplays", "artist_id"): ("artists", "artist_id"),
    ("songs", "artist_id"): ("artists", "artist_id"),
}  # fmt: skip


def parse(query: str) -> exp.Expression:
    """The tree of a statement, with a text in place of each value."""
    return sqlglot.parse_one(query.replace("%(first)s", "'x'").replace("%(last)s", "'x'"), dialect="redshift")


def joined(tree: exp.Expression) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    """The pairs of columns that joins and subqueries equate, by table."""
    names = {table.alias_or_name: table.name for table in tree.find_all(exp.Table)}
    pairs = set()
    for equal in tree.find_all(exp.EQ):
        sides = [(names.get(side.table, ""), side.name) for side in (equal.left, equal.right)
                 if isinstance(side, exp.Column)]  # fmt: skip
        if len(sides) == 2:
            pairs |= {(sides[0], sides[1]), (sides[1], sides[0])}
    return pairs


def test_the_keys_are_those_that_are_declared():
    declared = {}
    for query in sql_queries.create_table_queries:
        tree = sqlglot.parse_one(query.replace("IDENTITY (0, 1)", "IDENTITY(0, 1)"), dialect="redshift")
        table = tree.find(exp.Table).name
        for key in tree.find_all(exp.ForeignKey):
            other = key.args["reference"].find(exp.Schema)
            declared[table, key.expressions[0].name] = (other.this.name, other.expressions[0].name)
    assert declared == KEYS


@pytest.mark.parametrize("query", STATEMENTS, ids=statement_name)
def test_no_statement_looks_over_a_declared_foreign_key_for_what_is_missing(query):
    """Neither by NOT EXISTS nor by an outer join: the planner may take the key's word that nothing is."""
    tree = parse(query)
    assert not tree.find(exp.Exists)
    if any(join.side for join in tree.find_all(exp.Join)):
        assert not joined(tree) & set(KEYS.items())


@pytest.mark.parametrize("query", sql_queries.quality_checks, ids=statement_name)
def test_no_check_joins_or_groups_by_a_declared_key(query):
    tree = parse(query)
    assert not tree.find(exp.Join)
    for group in tree.find_all(exp.Group):
        assert len(group.expressions) > 1 or not isinstance(group.expressions[0], exp.Column)


def test_dimensions_come_before_facts_and_no_statement_reads_a_table_whose_key_is_false():
    """A table is filled after all those that it refers to."""
    filled = [tree.find(exp.Table).name for tree in map(parse, sql_queries.insert_table_queries)
              if isinstance(tree, exp.Insert)]  # fmt: skip
    assert filled == ["artists", "songs", "users", "time", "songplays"]
    for (table, _), (other, _) in KEYS.items():
        assert filled.index(other) < filled.index(table)


@pytest.mark.parametrize("query", STATEMENTS, ids=statement_name)
def test_changes_take_the_documented_forms(query):
    """UPDATE ... FROM with an equijoin, DELETE ... WHERE id IN; no USING of a subquery."""
    tree = parse(query)
    if isinstance(tree, exp.Delete):
        assert not tree.args.get("using")
        assert isinstance(tree.args["where"].this, exp.In)
    if isinstance(tree, exp.Update):
        target = tree.this.name
        where = tree.args["where"]
        assert any(target in (equal.left.table, equal.right.table) for equal in where.find_all(exp.EQ))


def test_songplays_and_time_are_read_in_the_staged_stretch_alone():
    """But for the match of older plays, which is run only when songs changed."""
    for query in STATEMENTS:
        if query == sql_queries.songplay_table_match:
            continue
        for select in parse(query).find_all(exp.Select):
            tables = {source.this.name for source in [select.args.get("from_") or select.args.get("from"),
                      *(select.args.get("joins") or [])] if source and isinstance(source.this, exp.Table)}  # fmt: skip
            if tables & {"songplays", "time"}:
                assert select.find(exp.Between), statement_name(query)


def unjoined(query: str) -> list[str]:
    """The columns by whose NULL a statement finds what an outer join has not found, though the join is not by them."""
    found = []
    for select in parse(query).find_all(exp.Select):
        where = select.args.get("where")
        for join in select.args.get("joins") or []:
            by = {
                (column.table, column.name) for equal in join.find_all(exp.EQ) for column in equal.find_all(exp.Column)
            }
            nulls = [test.this for test in where.find_all(exp.Is)] if where and join.side == "LEFT" else []
            found += [column.name for column in nulls
                      if column.table == join.alias_or_name and (column.table, column.name) not in by]  # fmt: skip
    return found


def test_an_anti_join_is_told_by_a_column_of_the_join():
    """Planners know it for one by that; the inserted plays were estimated at a two-hundredth of their number."""
    assert [unjoined(query) for query in STATEMENTS if unjoined(query)] == []
    insert = sql_queries.songplay_table_insert
    assert unjoined(insert.replace("sp.start_time IS NULL", "sp.songplay_id IS NULL")) == ["songplay_id"]


def test_songs_are_analyzed_before_plays_are_joined_with_them():
    order = sql_queries.insert_table_queries
    assert order.index(sql_queries.song_table_insert) < order.index(sql_queries.song_table_analyze)
    assert order.index(sql_queries.song_table_analyze) < order.index(sql_queries.songplay_table_match)
