"""Every case of the corpus on the embedded warehouse."""

import psycopg2
import pytest

from tests.dialect import corpus

SECTIONS = corpus.sections()


def test_the_corpus_is_large():
    assert sum(len(section.cases) for section in SECTIONS) >= 400


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: f"{section.chapter}: {section.page}")
def test_section(shared_connection, section):
    shared_connection.autocommit = True
    cursor = shared_connection.cursor()
    done: tuple[str, ...] = ()
    wrong = []
    for case in section.cases:
        for statement in case.before[len(done) :]:
            cursor.execute(statement)
        done = case.before
        try:
            got = corpus.result(cursor, case)
        except psycopg2.Error as error:
            got = f"! {error.diag.message_primary or str(error)}"
        right = got.startswith(case.expected) if case.expected.startswith("!") else got == case.expected
        if not right:
            wrong.append(f"{case.statement}\n    {got[:300]}\n    but documented: {case.expected}")
    assert not wrong, "\n" + "\n".join(wrong)
