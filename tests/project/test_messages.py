"""The operator's page: every message that ends a script stands in it, and nothing that no script says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from infra import errors
from infra.config import ROOT

PAGE = ROOT / "infra" / "MESSAGES.md"
ERRORS = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)}
RAISERS = ERRORS | {"ArgumentTypeError"}
EXPLAINING = ("client_errors.py", "database.py")  # whose functions and tables give a sentence for an error
FAILING = {"fail": 3}  # a function that raises for its caller -> the position of its message


def template(node: ast.expr) -> str:
    """A message as the source has it, each value but a --config as `…`; "" for one that is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else value(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (template(node.left) or "…") + (template(node.right) or "…")
    return ""


def value(part: ast.expr) -> str:
    """What the page shows for a value in a message."""
    return "" if isinstance(part, ast.FormattedValue) and ast.unparse(part.value) == "same_config()" else "…"


def speaks(text: str) -> bool:
    """Whether a message says something of its own, and not only what it is given."""
    return len(re.findall("[a-z]", text)) >= 6


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Each module of the project, parsed."""
    for path in [*ROOT.glob("*.py"), *(ROOT / "infra").rglob("*.py"), *(ROOT / "notebooks").glob("*.py")]:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def messages() -> Iterator[tuple[str, str]]:
    """Each message with the file that has it."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if path.name in EXPLAINING and isinstance(node, ast.Return | ast.Dict):
                values = node.values if isinstance(node, ast.Dict) else [node.value]
                yield from (
                    (text, path.name)
                    for each in values
                    if each and speaks(text := template(each)) and text.endswith(".")
                )
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = 0 if name in RAISERS else FAILING.get(name)
            if place is not None and len(node.args) > place and speaks(text := template(node.args[place])):
                yield " ".join(text.split()), path.relative_to(ROOT).as_posix()


def rows() -> list[str]:
    """The messages of the page's tables, `…` where a value stands."""
    return re.findall(r"^\| `(.+?)` \| .+ \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def fits(row: str, message: str) -> bool:
    """Whether a row of the page, in which `…` stands for anything, is this message."""
    return re.fullmatch(".*".join(map(re.escape, row.split("…"))), message) is not None


def test_every_message_is_on_the_page():
    missing = {text for text, _ in messages() if not any(fits(row, text) for row in rows())}
    assert missing == set()


def test_a_command_in_a_message_repeats_the_config():
    """A script that a text tells to run is followed by same_config()."""
    scripts = [path.name for folder in ("", "infra", "notebooks") for path in (ROOT / folder).glob("*.py")]
    names = "|".join(map(re.escape, scripts))
    told = re.compile(rf"(?:\b[Rr]un|python|then|with|see|;) (?:infra/|notebooks/)?(?:{names})(?!\{{same_config)")
    found = []
    for path, tree in sources():
        nodes = list(ast.walk(tree))
        parts = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
        parts |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in parts:
                found += [f"{path}: {text}" for text in told.findall(ast.unparse(node))]
    assert found == []


def test_the_page_has_no_message_that_nothing_says():
    said = {text for text, _ in messages()}
    assert [row for row in rows() if not any(fits(row, text) for text in said)] == []


if __name__ == "__main__":
    for text, file in sorted(set(messages()), key=lambda each: (each[1], each[0])):
        print(f"{file}: {text}")
