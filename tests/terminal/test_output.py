"""No traceback that a user can cause: streams that are closed or full, encodings, packages, options, names of files."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.etl import event
from tests.fixtures.warehouse import ROOT

pytestmark = pytest.mark.long

SCRIPTS = [
    "create_tables.py", "etl.py", "infra/simulate_data.py", "infra/create_cluster.py", "infra/cluster_status.py",
    "infra/open_incoming_port.py", "infra/destroy_cluster.py", "notebooks/report.py", "notebooks/dashboard.py",
]  # fmt: skip
FULL = Path("/dev/full")
posix = pytest.mark.skipif(os.name == "nt", reason="the shell's redirections are those of POSIX")
full = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")


def shell(*command: object, redirect: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Python through a shell, with its redirections; anything that looks like a traceback fails."""
    line = shlex.join([sys.executable, "-W", "error", *map(str, command)])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{line} {redirect}"], cwd=ROOT, capture_output=True, text=True, timeout=240,
        env={**os.environ, "COLUMNS": "80", **environment},
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@posix
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("redirect", ["| true", "| head -n 1", ">&-", "2>&-", "<&- >&- 2>&-", ""])
def test_help_whoever_reads_it(script, redirect):
    done = shell(script, "--help", redirect=redirect)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ") is (">&-" not in redirect.replace("2>&-", "") and "true" not in redirect)


@posix
@full
@pytest.mark.parametrize("script", SCRIPTS)
def test_help_for_a_full_disk_has_failed(script):
    done = shell(script, "--help", redirect="> /dev/full")
    name = Path(script).name
    assert (done.returncode, done.stderr) == (1, f"{name}: the help could not be written: No space left on device.\n")


@posix
@pytest.mark.parametrize("redirect", ["| true", "| head -n 1", ">&-", "2>&-", "<&- >&- 2>&-", "2>&1 | true"])
def test_a_load_goes_on_whoever_reads_of_it(case, redirect):
    """And its exit code tells of the load."""
    case.write([event()])
    assert shell("create_tables.py", "--config", case.config, redirect=redirect).returncode == 0
    done = shell("etl.py", "--config", case.config, redirect=redirect)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(case.tables()["songplays"]) == 1


@posix
@full
def test_a_load_whose_log_cannot_be_written_has_not_failed(case):
    """But whoever ran it is told."""
    case.write([event()])
    for script in ("create_tables.py", "etl.py"):
        done = shell(script, "--config", case.config, redirect="> /dev/full")
        sentence = f"{script[:-3]}: not all output could be written: No space left on device.\n"
        assert (done.returncode, done.stderr) == (0, sentence)
    assert len(case.tables()["songplays"]) == 1
    assert shell("etl.py", "--config", case.config, redirect="> /dev/full 2>&1").returncode == 0


@posix
@full
def test_output_that_is_the_work_has_failed_where_it_cannot_be_written():
    code = "import sys; from infra import cli; sys.exit(cli.run('x', lambda: print('answer') or 0, for_output=True))"
    done = shell("-c", code, redirect="> /dev/full")
    assert (done.returncode, done.stderr) == (1, "x: not all output could be written: No space left on device.\n")
    assert shell("-c", code, redirect="| true").returncode == 0
    assert shell("-c", code).stdout == "answer\n"


@posix
@pytest.mark.parametrize("redirect", ["", "2>&-", ">&- 2>&-", "2> /dev/full", "2>&1 | true"])
def test_a_fault_has_its_exit_code_though_nobody_reads_the_sentence(tmp_path, redirect):
    done = shell("etl.py", "--config", tmp_path / "missing.cfg", redirect=redirect)
    assert done.returncode == 2
    sentence = f"etl: {tmp_path}/missing.cfg does not exist: copy dwh.cfg.example there and fill it in.\n"
    assert done.stderr == ("" if redirect else sentence)


@posix
@pytest.mark.parametrize("redirect", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_does_not_become_a_file_of_ours(tmp_path, redirect):
    """Else what is printed, here or in a program that is started, ends up in a file or a connection."""
    code = f"""
import os, subprocess, sys
from infra import cli
def work():
    with open({str(tmp_path / "file")!r}, "w") as file:
        assert file.fileno() > 2
        print("out"); print("err", file=sys.stderr); subprocess.run(["sh", "-c", "echo out; echo err >&2"])
    return 0
sys.exit(cli.run("x", work))
"""
    assert shell("-c", code, redirect=redirect).returncode == 0
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding_will_do(case, tmp_path, encoding):
    """Characters that it lacks are spelled out."""
    case.write([event()])
    config = tmp_path / "Łódź 夜.cfg"
    config.write_bytes(case.config.read_bytes())
    name = str(config).encode(encoding, "backslashreplace").decode(encoding)
    for script in ("create_tables.py", "etl.py"):
        done = subprocess.run(
            [sys.executable, script, "--config", config], cwd=ROOT, capture_output=True, encoding=encoding, timeout=240,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert f"To use Amazon Redshift, set [CLUSTER] HOST in {name}." in done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_outside_the_virtual_environment_one_sentence_says_what_to_do(script):
    """-S: without site-packages, as a Python that is not the virtual environment's has it."""
    done = subprocess.run(
        [sys.executable, "-S", script, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    name = Path(script).stem
    assert done.stderr.startswith(f"{name}: the package ")
    assert f" is not installed in this Python ({sys.executable}). " in done.stderr
    if (ROOT / ".venv").exists():
        python = Path(".venv", "Scripts" if os.name == "nt" else "bin", "python")
        assert done.stderr.endswith(f". Use the virtual environment: {python} {script}\n")
    assert done.stderr.count("\n") == 1


def test_inside_it_the_sentence_names_the_files_of_packages(tmp_path):
    """For a notebook's script two of them."""
    code = (
        "import sys, infra.requirements_check as check; sys.argv = [{!r}]; check.ROOT = check.Path({!r}); import boto4"
    )
    for script, files in {"etl.py": "-r {}", "notebooks/dashboard.py": "-r {} -r {}"}.items():
        root = tmp_path / "project"
        done = shell("-c", code.format(str(root / script), str(root)))
        names = [str(root / file) for file in ("requirements.txt", "notebooks/requirements.txt")]
        begin, python = f"the package boto4 is not installed in this Python ({sys.executable}). ", Path(sys.executable)
        shown = python.relative_to(ROOT) if python.is_relative_to(ROOT) else python
        assert done.stderr.endswith(f"{begin}Install the packages: {shown} -m pip install {files.format(*names)}\n")


def test_a_module_of_the_project_that_is_missing_is_a_fault_of_the_project():
    """It keeps its traceback."""
    done = subprocess.run(
        [sys.executable, "-c", "import infra.requirements_check, infra.nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stderr.startswith("Traceback")


def test_an_old_python_is_told():
    code = "import sys; sys.version_info = (3, 9, 6); sys.version = '3.9.6 (default)'; import infra.requirements_check"
    done = shell("-c", code)
    assert (done.returncode, done.stderr) == (1, "Python 3.9.6 is too old: this project needs Python 3.10 or newer.\n")


@posix
def test_ctrl_c_while_packages_are_imported():
    code = "import infra.requirements_check; raise KeyboardInterrupt"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "-c: interrupted.\n")


@pytest.mark.parametrize(
    ("script", "arguments"),
    [("etl.py", ["--qui"]), ("etl.py", ["--max", "1"]), ("create_tables.py", ["--conf", "x"]),
     ("infra/simulate_data.py", ["out", "--event", "5"]), ("infra/destroy_cluster.py", ["--y"])],
)  # fmt: skip
def test_options_are_not_abbreviated(run_script, script, arguments):
    done = run_script(script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: unrecognized arguments: {' '.join(arguments[-2:]).removeprefix('out ')}\n" in done.stderr


EVIL = "\x1b]0;title\x07\x1b[31mred\x9b2J\u202e"


def test_control_characters_of_arguments_and_of_dwh_cfg_are_spelled_out(terminal, tmp_path):
    usage = terminal.run(ROOT / "etl.py", f"--{EVIL}")
    assert usage.code == 2
    config = tmp_path / "dwh.cfg"
    config.write_text(f"[S3]\nA{EVIL}=1\nA{EVIL}=2\n", encoding="utf-8")
    wrong = terminal.run(ROOT / "etl.py", "--config", config)
    assert wrong.code == 2
    for seen in (usage, wrong):
        assert not set(seen.raw) & set("\x1b\x07\x9b\u202e")
        assert "\\x1b[31" in seen.raw


@posix
def test_control_characters_of_file_names_are_spelled_out(case, terminal):
    """Of a record that is rejected, for one."""
    case.write([event()])
    case.write_text("log_data/\x1b[31m\nred\u202e.json", '{"ts": "soon"}')
    seen = terminal.run(ROOT / "etl.py", "--config", case.config)
    assert seen.code == 1
    assert "\x1b" not in seen.raw
    assert "\u202e" not in seen.raw
    assert "\\x1b[31m" in "".join(seen.lines)
    assert "1206" in "".join(seen.lines)
