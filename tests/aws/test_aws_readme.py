"""infra/README.md's walk through AWS: its commands, run as they stand, print what it shows."""

import os
import re
import shlex
import shutil
import subprocess
import sys

from tests.fixtures.aws import ROOT, leaked
from tests.fixtures.serverless_fake import MARKED

# What AWS makes up, or the machine's name server says, and what stands in its place in both.
MADE_UP = (
    (r"\bsg-[0-9a-f]+", "sg-#"),
    (r"\bsparkify\.[0-9a-z]+\.us-west-2\.redshift\b", "sparkify.#.us-west-2.redshift"),
    (r"\(could not translate host name .*\)", "(#)"),
)


def masked(text: str) -> str:
    """A text without what is made up."""
    for pattern, mask in MADE_UP:
        text = re.sub(pattern, mask, text)
    return text


def test_readme_walk_through(moto, tmp_path, monkeypatch):
    """Every command of "Run it on AWS" in its order, in a copy of the project, with its output."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", MARKED["KEY"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", MARKED["SECRET"])
    shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    readme = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## Run it on AWS") : readme.index("### What it costs")]
    steps = re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", section)
    assert len(steps) == 7
    shutil.copy(ROOT / "dwh.cfg.example", tmp_path / "dwh.cfg")
    assert steps.pop(0) == ("cp dwh.cfg.example dwh.cfg", "")
    for command, shown in steps:
        python, *words = shlex.split(command)
        assert python == "python"
        done = subprocess.run(
            [sys.executable, "-W", "error", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            input="sparkify\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        printed = done.stdout.replace(str(tmp_path), "/home/you/sparkify")
        printed = printed.replace("to go on: ", "to go on: sparkify\n")  # what a terminal shows of the answer
        assert (done.returncode, masked(printed)) == (0, masked(shown)), command
        assert leaked(done.stdout) == []
