"""What the embedded warehouse and the scripts keep to themselves: SQL, ports, passwords."""

import ast
import os
import stat
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest

from infra.config import ROOT
from infra.local import credentials, server, supervisor
from infra.local.connection_info import open_plain
from tests.fixtures.server import finish, of, postgres_pid, python, wait_until_gone

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "marked-aws-secret", "AWS_SESSION_TOKEN": "marked-aws-token", "SECRET": "marked-secret",
    "DWH_DB_PASSWORD": "marked-dwh-password", "PGPASSWORD": "marked-pg-password",
}  # fmt: skip
# What may be put into a statement's text: names of tables, quoted, in the embedded warehouse's own SQL and COPY. No
# value; each is a name that the catalog or a constant gives.
NAMES = {"statement.table.sql", "name"}


def made_of(node: ast.expr) -> list[str]:
    """What a statement's text is put together from by formatting; none for a constant or a variable that holds one."""
    if isinstance(node, ast.JoinedStr):
        return [ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.BinOp):
        return [each for side in (node.left, node.right) for each in made_of(side) or variables(side)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        composed = ast.unparse(node.func.value).startswith("SQL(")  # psycopg2.sql quotes what it is given
        return [] if composed else [ast.unparse(argument) for argument in node.args]
    return []


def variables(node: ast.expr) -> list[str]:
    """A variable that is added to a text, unless it is a constant by its name."""
    return [node.id] if isinstance(node, ast.Name) and not node.id.isupper() else []


def formatted_statements(path: Path) -> list[str]:
    """Every call that executes a statement put together by formatting, with what it is made of."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("execute", "executemany", "select_one", "copy_expert", "mogrify"):
            parts = [each for argument in node.args for each in made_of(argument)]
            found += [f"{path.relative_to(ROOT)}:{node.lineno}: {part}" for part in parts if part not in NAMES]
    return found


def test_no_sql_by_string_formatting():
    """Every value is bound; the scripts, the notebooks and the rooms of infra/ hold to it."""
    files = [*ROOT.glob("*.py"), *(ROOT / "infra").rglob("*.py"), *(ROOT / "notebooks").rglob("*.py")]
    assert len(files) > 40
    assert [line for file in files for line in formatted_statements(file)] == []


@pytest.mark.parametrize(
    "code",
    ['c.execute(f"SELECT {x}")', 'c.execute("SELECT " + x)', 'c.execute("%s" % x)', 'c.execute("{}".format(x))'],
)  # fmt: skip
def test_the_check_finds_what_it_looks_for(tmp_path, monkeypatch, code):
    monkeypatch.setattr("tests.server.test_security.ROOT", tmp_path)
    file = tmp_path / "a.py"
    file.write_text(code)
    assert formatted_statements(file) == ["a.py:1: x"]


@pytest.mark.server
def test_nothing_listens_but_loopback_with_scram(directory):
    info = supervisor.acquire(directory)
    listening = [
        (connection.laddr.ip, connection.laddr.port)
        for process in of(directory)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [(server.HOST, info["port"])]
    lines = (directory / "postgres" / "pg_hba.conf").read_text(encoding="utf-8").splitlines()
    methods = {line.split()[-1] for line in lines if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}
    with closing(open_plain(info)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_authid WHERE rolpassword !~ '^SCRAM-SHA-256' ORDER BY 1")
        assert cursor.fetchall() == []
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin ORDER BY 1")
        assert cursor.fetchall() == [("reader",), ("sparkify",)]


@pytest.mark.server
def test_the_reader_changes_nothing(directory):
    """Not a row, a table, a file, nor a setting for others, whatever it sets for itself; but it sees every table."""
    info = supervisor.acquire(directory)
    with closing(open_plain(info)) as connection, connection:
        connection.cursor().execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
    reader = {**info, "user": credentials.READER, "password": credentials.read_password(directory, credentials.READER)}
    with closing(open_plain(reader)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT a, (SELECT count(*) FROM redshift.stl_load_errors) FROM t")
        assert cursor.fetchall() == [(1, 0)]
        for statement in ("INSERT INTO t VALUES (2)", "CREATE TABLE u (a integer)"):
            with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
                cursor.execute(statement)
        cursor.execute("SET default_transaction_read_only = off")
        for statement in (
            "INSERT INTO t VALUES (2)", "DELETE FROM t", "TRUNCATE t", "DROP TABLE t", "CREATE TABLE u (a integer)",
            "COPY t TO '/tmp/t'", "SELECT pg_read_file('postgresql.conf')", "ALTER ROLE sparkify PASSWORD 'x'",
            "ALTER SYSTEM SET jit = on", "SET ROLE sparkify", "SELECT rolpassword FROM pg_authid",
        ):  # fmt: skip
            with pytest.raises(psycopg2.ProgrammingError, match=r"permission denied|must be owner"):
                cursor.execute(statement)
    with closing(open_plain(info)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT a FROM t")
        assert cursor.fetchall() == [(1,)]


@pytest.mark.server
@pytest.mark.skipif(os.name == "nt", reason="Windows has no /proc and no mode bits")
def test_no_secret_in_process_lists_and_logs(directory):
    """Of the supervisor and the server: command lines, environments, and every log and file but the password files."""
    then = "sys.stdin.read()"
    with python(directory, then, stdin=-1, env=os.environ | SECRETS) as user:
        assert user.stdout.readline() == "1\n"
        passwords = [credentials.read_password(directory, name) for name in credentials.PASSWORD_FILES]
        assert all(passwords)
        marked = [*SECRETS.values(), *passwords]
        inspected = [process for process in of(directory) if process.pid != user.pid]
        assert {"supervisor" in " ".join(process.cmdline()) for process in inspected} == {True, False}
        assert postgres_pid(directory) in [process.pid for process in inspected]
        for process in inspected:
            text = f"{process.cmdline()} {process.environ()}"
            assert [secret for secret in marked if secret in text] == [], process
        assert [secret for secret in marked if secret in " ".join(psutil.Process(user.pid).cmdline())] == []
        assert finish(user)[0] == 0
    wait_until_gone(directory)
    private = {*credentials.PASSWORD_FILES.values(), "pgpass"}
    for file in directory.iterdir():
        if file.is_file() and file.name not in private:
            content = file.read_bytes()
            assert [secret for secret in marked if secret.encode() in content] == [], file
    assert {stat.S_IMODE((directory / name).stat().st_mode) for name in private} == {0o600}
    assert stat.S_IMODE((directory / "postgres").stat().st_mode) == 0o700
