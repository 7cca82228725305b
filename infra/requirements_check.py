"""Explain what stops a script before its first line of work: missing packages, an old Python, no memory, Ctrl-C.

Each script imports this module before all others, and it needs the standard library alone. Importing it sets
`sys.excepthook`, which a failing import of the script reaches; `cli.run` explains what comes later.
"""

import os
import sys
from pathlib import Path
from types import TracebackType

from infra.errors import explain_limit

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (3, 10)


def explain(error: ImportError) -> str:
    """The sentence on a package that is not there, with the command to type; "" for a module of this project."""
    package = (error.name or "").partition(".")[0]
    if not package or package in sys.stdlib_module_names or (ROOT / package).exists():
        return ""
    script = Path(sys.argv[0])
    files = ["requirements.txt"]
    if script.resolve().parent == ROOT / "notebooks":
        files.append("notebooks/requirements.txt")
    venv = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if venv.exists() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        advice = f"Use the virtual environment: {_shown(venv)} {script}"
    else:
        packages = " ".join(f"-r {_shown(ROOT / file)}" for file in files)
        advice = f"Install the packages: {_shown(Path(sys.executable))} -m pip install {packages}"
    return f"the package {package} is not installed in this Python ({sys.executable}). {advice}"


def _shown(path: Path) -> str:
    """A path as one types it in the current directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print one sentence for what a user can cause, and the traceback for everything else."""
    sentence = "interrupted." if isinstance(error, KeyboardInterrupt) else explain_limit(error)
    if isinstance(error, ModuleNotFoundError):
        sentence = explain(error)
    if not sentence:
        sys.__excepthook__(kind, error, trace)
    elif sys.stderr is not None:
        print(f"{Path(sys.argv[0]).stem}: {sentence}", file=sys.stderr)


if sys.version_info < NEEDED:
    sys.exit(f"Python {sys.version.split()[0]} is too old: this project needs Python 3.10 or newer.")
sys.excepthook = _hook
