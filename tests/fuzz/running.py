"""Runs a check on every seed, or lets atheris look for an input that breaks it."""

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SEEDS = Path(__file__).parent / "seeds"
Check = Callable[[bytes], None]  # raises for an input that breaks the promise


def seeds(name: str) -> list[bytes]:
    """The seeds of one check: a line is a JSON string, whose characters are the bytes."""
    lines = (SEEDS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [json.loads(line).encode("latin-1") for line in lines]


def as_line(data: bytes) -> str:
    """A seed as a line of its file."""
    return json.dumps(data.decode("latin-1"), ensure_ascii=True)


def fuzz(name: str, modules: list[str], make_check: Callable[[], Check], words: list[bytes], more: list[bytes]) -> None:
    """Fuzz with the coverage of these modules, as long as the command line says; `words` and `more` seeds help.

    What else stands on the command line is libFuzzer's. It ends the process.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--inputs", type=int, default=-1, help="end after so many; default: when the seconds are over")
    parser.add_argument(
        "--seed", type=int, default=0, help="the same inputs each time for the same N; 0: others each time"
    )
    parser.add_argument("--corpus", type=Path, help="a folder in which the inputs that reach new code are kept")
    parser.add_argument("--accept", action="append", default=[], help="the name of an error that is no find")
    options, others = parser.parse_known_args()
    if importlib.util.find_spec("atheris") is None:
        sys.exit("atheris is not installed: it has wheels for Linux on x86-64 alone.")
    import atheris

    with atheris.instrument_imports(include=modules):
        check = make_check()

    def once(data: bytes) -> None:
        """Check one input, and show the one that fails."""
        try:
            check(data)
        except BaseException as error:
            if type(error).__name__ in options.accept:
                return
            print(f"\nThis input breaks it:\n{as_line(data)}", flush=True)
            raise

    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    corpus = options.corpus or folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name) + more):
        (corpus / f"seed{number}").write_bytes(data)
    (folder / "words").write_text("".join(f'"{_escaped(word)}"\n' for word in words))
    limits = [
        f"-max_total_time={options.seconds}",
        f"-runs={options.inputs}",
        f"-seed={options.seed}",
        "-timeout=20",
        "-max_len=600",
        "-rss_limit_mb=2500",
    ]
    files = [f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/", str(corpus)]
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", *files, *others], once)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    """A word for libFuzzer's dictionary."""
    return "".join(chr(b) if 32 < b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in word)


if __name__ == "__main__":  # a corpus as seeds: python -m tests.fuzz.running FOLDER > tests/fuzz/seeds/NAME.txt
    print("\n".join(sorted(as_line(file.read_bytes()) for file in Path(sys.argv[1]).iterdir())))
