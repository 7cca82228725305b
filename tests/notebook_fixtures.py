"""Notebooks, run as a reader runs them: from a fresh kernel, in the notebooks' directory, every cell in order.

nbclient and its kernel work in a process of their own, so that their sockets, loops and warnings are not the tests'.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
CELL_SECONDS = 300


def execute(
    notebook_path: Path, environment: dict[str, str], replace: dict[str, str] | None = None, *, allow_errors=False
) -> NotebookNode:
    """A copy of the notebook with the outputs of a run in this environment, which is added to the test's own.

    Each key of `replace` stands once in the code, and its value takes its place. A cell that fails ends the run, as
    in JupyterLab, and fails the test; with `allow_errors` what was run so far is returned, the error an output of it.
    """
    notebook = nbformat.read(notebook_path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    for old, new in (replace or {}).items():
        holders = [cell for cell in code if old in cell.source]
        assert [cell.source.count(old) for cell in holders] == [1], f"{old!r} is to stand once in the notebook's code"
        holders[0].source = holders[0].source.replace(old, new)
    with tempfile.TemporaryDirectory(prefix="notebook-") as scratch:
        file = Path(scratch) / "executed.ipynb"
        nbformat.write(notebook, file)
        own = {
            name: scratch for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        }
        end = subprocess.run(
            [sys.executable, __file__, str(file), str(notebook_path.resolve().parent)],
            env={**os.environ, **own, **environment}, capture_output=True, text=True, timeout=2 * CELL_SECONDS,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert end.returncode in (0, 1), end.stderr
        executed = nbformat.read(file, as_version=4)
    assert allow_errors or end.returncode == 0, outputs_text(executed)
    return executed


def outputs_text(notebook: NotebookNode) -> str:
    """All that the cells have put out and that can be read: streams, texts, tables as HTML, and errors."""
    return "".join(output_text(output) for cell in notebook.cells for output in cell.get("outputs", []))


def output_text(output: NotebookNode) -> str:
    """What can be read of one output; a chart's specification and a picture's bytes cannot."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return "\n".join([f"{output.ename}: {output.evalue}", *output.traceback]) + "\n"
    return "".join(f"{text}\n" for kind, text in sorted(output.data.items()) if kind.startswith("text/"))


def run_in_this_process(file: Path, folder: str) -> int:
    """Execute the notebook in place, its cells in this folder; 1: a cell failed."""
    from nbclient import NotebookClient  # here, so that the tests' process never loads it
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": folder}},
    )  # fmt: skip
    exit_code = 0
    try:
        client.execute()
    except CellExecutionError:
        exit_code = 1
    nbformat.write(notebook, file)
    return exit_code


if __name__ == "__main__":
    sys.exit(run_in_this_process(Path(sys.argv[1]), sys.argv[2]))
