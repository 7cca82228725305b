"""The inputs that fuzzing has kept hold both promises; by `-m slow` it looks for more, for as long as CI allows."""

import contextlib
import importlib.util
import subprocess
import sys

import pytest
from sqlglot.errors import SqlglotError

from infra.config import ROOT
from infra.local.dialect import lexer
from tests.dialect import corpus
from tests.fuzz import copy_reader, dialect
from tests.fuzz.running import as_line, seeds


def test_the_dialect_translates_or_refuses_every_seed():
    for data in seeds("dialect") + dialect.statements():
        dialect.check(data)


def test_both_ways_to_read_a_file_agree_on_every_seed(connection, settings, tmp_path):
    reader = copy_reader.Reader(connection, settings, tmp_path)
    for data in seeds("copy_reader"):
        print(as_line(data))
        reader.check(data)


@pytest.mark.slow
def test_no_statement_that_lacks_one_of_its_words_breaks_the_dialect():
    for data in dialect.statements():
        text = data.decode()
        text = text if text.split()[0].upper() in corpus.VERBS else f"SELECT {text}"
        with contextlib.suppress(SqlglotError):  # a text that is no SQL on purpose
            words = [text[token.start : token.end + 1] for token in lexer.Tokenizer().tokenize(text)]
            for place in range(len(words)):
                dialect.check(" ".join(words[:place] + words[place + 1 :]).encode())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64 alone")
@pytest.mark.parametrize("name", ["copy_reader", "dialect"])
def test_fuzzing_finds_nothing(name):
    done = subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{name}", "--inputs", "6000", "--seconds", "25", "--seed", "1",
         "--accept", "UntranslatableError"],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    assert "number_of_executed_units" in done.stderr
