"""The house: which module may import which, how many stand where, and how long they are."""

import ast
import re
from pathlib import Path

import pytest

from infra.config import ROOT

PIPELINE = ("sql_queries", "create_tables", "etl")
ROOMS = {  # room -> the rooms whose modules it may import, besides its own
    "pipeline": {"infra", "load"},
    "notebooks": {"infra", "aws", "pipeline"},
    "infra": {"aws", "local", "simulator"},  # the scripts, the one seam, and what every room needs
    "aws": {"infra"},
    "local": {"infra", "aws", "simulator", "dialect", "copy_command"},
    "dialect": {"infra"},
    "copy_command": {"infra", "aws"},
    "simulator": {"infra"},
    "load": {"infra", "aws"},
}
FOUNDATION = {  # what a room may import of the modules that stand flat in infra/
    "infra.config", "infra.database", "infra.errors", "infra.folders", "infra.progress",
    "infra.simulate_data", "infra.cli", "infra.requirements_check", "infra.reserved_words", "infra.warehouse",
}  # fmt: skip


def modules() -> dict[str, Path]:
    """Every module of the project that is not a test, by its dotted name."""
    paths = [ROOT / f"{name}.py" for name in PIPELINE]
    paths += [path for folder in ("infra", "notebooks") for path in (ROOT / folder).rglob("*.py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in sorted(paths)
    }


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The project's modules that a module imports, inside its functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {each if each in known else node.module for each in inner}
    return {each for each in found if each in known and each != name}


def room(name: str) -> str:
    """The room of a module."""
    parts = name.split(".")
    if parts[0] in PIPELINE:
        return "pipeline"
    if parts[0] == "notebooks":
        return "notebooks"
    folders = parts[1:] if (ROOT / Path(*parts)).is_dir() else parts[1:-1]
    return folders[-1] if folders else "infra"


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    """Each module with what it imports."""
    known = modules()
    return {name: imports(name, path, known) for name, path in known.items()}


def test_no_circle(graph):
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        """Follow the imports; a module that leads to itself is a circle."""
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for each in graph[name]:
                visit(each, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_no_import_upwards(graph):
    for name, used in graph.items():
        own = room(name)
        for each in used:
            if each == "sql_queries" and own == "load":  # texts alone: who watches a load runs some of them
                continue
            assert room(each) == own or room(each) in ROOMS[own], f"{name} imports {each}"
            if own not in ("infra", "pipeline", "notebooks") and room(each) == "infra":
                assert each in FOUNDATION, f"{name} imports {each}"


def test_sql_queries_imports_nothing():
    tree = ast.parse((ROOT / "sql_queries.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_sizes():
    flat = [path for path in (ROOT / "infra").glob("*.py") if path.name != "__init__.py"]
    assert len(flat) <= 16
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert lines.pop("sql_queries") < 900
    assert lines.pop("etl") < 170
    assert {name: count for name, count in lines.items() if count > 280} == {}
    embedded = sum(count for name, count in lines.items() if name.startswith("infra.local"))
    assert embedded < 4838  # and is to shrink: 3,300 is the aim


def test_only_the_seam_knows_both_warehouses(graph):
    both = {"infra.aws.connection", "infra.local.connection"}
    assert [name for name, used in graph.items() if used >= both] == ["infra.warehouse"]


def test_the_map_has_a_line_for_every_module():
    """Each room's part of infra/README.md names the modules of that room, and no other."""
    text = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"^### infra/(\S*): .*$", text.split("## Where does")[0], flags=re.MULTILINE)[1:]
    mapped = {
        folder: set(re.findall(r"`(\w+\.py)`", "\n".join(re.findall(r"^\| (`.*?) \|", part, re.MULTILINE))))
        for folder, part in zip(parts[::2], parts[1::2], strict=True)
    }
    there: dict[str, set[str]] = {folder: set() for folder in mapped}
    for path in (ROOT / "infra").rglob("*.py"):
        if path.name != "__init__.py":
            folder = path.parent.relative_to(ROOT / "infra").as_posix()
            there["" if folder == "." else f"{folder}/"].add(path.name)
    assert mapped == there
