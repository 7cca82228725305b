"""A whole load, its report and its dashboard, with every secret in place: none is in what others can see of them."""

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import closing, suppress

import psutil
import pytest

from tests.fixtures.etl import TABLES, event, plain_connection, song
from tests.fixtures.server import ROOT

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "marked-aws-secret", "AWS_SESSION_TOKEN": "marked-aws-token", "SECRET": "marked-secret",
    "DWH_DB_PASSWORD": "marked-dwh-password", "PGPASSWORD": "marked-pg-password",
}  # fmt: skip
IN_FILE = {"DB_PASSWORD": "Marked-file-password1", "SECRET": "marked-file-secret", "SESSION_TOKEN": "marked-file-token"}
MARKED = [*SECRETS.values(), *IN_FILE.values()]
COMMANDS = [
    ("create_tables.py",), ("etl.py", "--verbose"), ("etl.py", "--all", "--verbose"), ("etl.py", "--audit"),
    ("notebooks/report.py",), ("notebooks/report.py", "--format", "json"), ("notebooks/dashboard.py",),
]  # fmt: skip


SCAN = """
import sys
from pathlib import Path
for path in Path(sys.argv[1]).rglob("*"):
    try:
        data = path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:  # gone meanwhile
        continue
    for secret in sys.argv[2:]:
        if secret.encode() in data:
            print(path, secret)
print("scanned")
"""


def found_in(text: str) -> list[str]:
    """The secrets in a text."""
    return [secret for secret in MARKED if secret in text]


@pytest.mark.server
@pytest.mark.parametrize(
    "commands", [pytest.param(COMMANDS[:2], id="a load"), pytest.param(COMMANDS, id="all", marks=pytest.mark.slow)]
)
def test_no_secret_is_seen_from_create_tables_to_the_dashboard(case, s3, tmp_path, onlooker, commands):
    """In arguments, output, pages, statements, tables, files and logs; the data are in S3, which takes the keys."""
    for name, lines in (("log_data/1.json", [event()]), ("song_data/1.json", [song()])):
        s3.put_object(Bucket="sparkify", Key=name, Body="\n".join(map(json.dumps, lines)).encode())
    file = tmp_path / "secrets.cfg"
    jsonpaths = case.data / "log_json_path.json"
    s3.put_object(Bucket="sparkify", Key="paths.json", Body=jsonpaths.read_bytes())
    file.write_text(
        f"[CLUSTER]\nDB_PASSWORD={IN_FILE['DB_PASSWORD']}\n[AWS]\nKEY=AKIAFILE\nSECRET={IN_FILE['SECRET']}\n"
        f"SESSION_TOKEN={IN_FILE['SESSION_TOKEN']}\n[LOCAL]\nPATH={case.settings.local_path}\n"
        "[S3]\nLOG_DATA=s3://sparkify/log_data\nSONG_DATA=s3://sparkify/song_data\nLOG_JSONPATH=s3://sparkify/paths.json\n"
    )
    file.chmod(0o600)
    over, seen = threading.Event(), set()

    def watch() -> None:
        """Note every command line of this machine, and every statement that runs in the warehouse."""
        with closing(plain_connection(case.settings.local_path)) as plain:
            plain.autocommit = True
            cursor = plain.cursor()
            while not over.wait(0.05):
                for process in psutil.process_iter():
                    with suppress(psutil.Error):
                        seen.add(" ".join(process.cmdline()))
                cursor.execute("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
                seen.update(query for (query,) in cursor.fetchall())

    watcher = threading.Thread(target=watch)
    watcher.start()
    said = ""
    try:
        for script, *options in commands:
            more = ["--output", str(tmp_path / "page.html")] if "dashboard" in script else []
            done = subprocess.run(
                [sys.executable, str(ROOT / script), *options, *more, "--config", str(file)],
                cwd=tmp_path, env=os.environ | SECRETS, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            said += done.stdout + done.stderr
    finally:
        over.set()
        watcher.join()
    assert any("etl.py" in text for text in seen)
    assert any("COPY staging_events" in text or "staging_events" in text for text in seen)
    assert [text for text in seen if found_in(text)] == []
    assert found_in(said) == []
    if commands == COMMANDS:
        assert found_in((tmp_path / "page.html").read_text(encoding="utf-8")) == []
    cursor = onlooker.cursor()
    for table in (*TABLES, "loaded_files", "redshift.load_history", "redshift.stl_load_errors", "redshift.last_copy"):
        cursor.execute(f"SELECT t::text FROM {table} AS t")
        assert [row for (row,) in cursor.fetchall() if found_in(row)] == [], table
    found = subprocess.run(  # in another process: to close a lock's file would give up the lock of this one
        [sys.executable, "-c", SCAN, str(case.settings.local_path), *MARKED], capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["scanned"]


def test_no_secret_is_in_the_notebooks_and_pages_of_the_project():
    files = [path for kind in ("*.ipynb", "*.html", "*.md", "*.js", "*.example") for path in ROOT.rglob(kind)]
    files = [path for path in files if ".venv" not in path.parts]
    assert len(files) > 8
    looks_like_one = re.compile(
        r"\b(?:AKIA|ASIA)(?!FILE|TEST|IOSFODNN7EXAMPLE)[A-Z0-9]{16}\b|aws_secret_access_key\s*[=:]\s*[A-Za-z0-9/+]{40}"
        r"|-----BEGIN [A-Z ]*PRIVATE KEY|PASSWORD\s*=\s*[^\s.'\"`<…]+[^\s]{7}", re.IGNORECASE
    )  # fmt: skip
    assert {str(path): found for path in files if (found := looks_like_one.findall(path.read_text("utf-8")))} == {}
