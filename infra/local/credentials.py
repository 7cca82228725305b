"""Who may sign in to the embedded server, and with which password: two users, a file for each.

    password            of the owner, as whom the scripts and notebooks work
    reader_password     of the reader, who may look at every table and change nothing: for psql and BI tools
    pgpass              the reader's, as libpq reads it, so that no password is in a command line

Only their owner may read the files. A password file that is lost or wrong is made anew, with the password, when the
server starts.
"""

import os
import secrets
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from psycopg2.extensions import QuotedString
from psycopg2.sql import SQL, Identifier, Literal

from infra.errors import ServerError
from infra.local import binaries
from infra.local.connection_info import ConnectionInfo, open_plain

OWNER, READER = "sparkify", "reader"
PASSWORD_FILES = {OWNER: "password", READER: "reader_password"}
# What the reader may do in a schema that is there, and in those and with the tables that come. Not pg_read_all_data,
# with which it would see the catalog's passwords, too.
GRANTS = ("GRANT USAGE ON SCHEMA {schema} TO {reader}", "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}")
DEFAULTS = (
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SCHEMAS TO {reader}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {reader}",
)
LEAST = 16  # characters of a password that is whole


def read_password(directory: Path, user: str = OWNER) -> str:
    """The password of a user, "" if its file is missing or damaged. Raises OSError for one that cannot be read."""
    try:
        text = (directory / PASSWORD_FILES[user]).read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    return text if len(text) >= LEAST and text.isprintable() else ""


def write_secret(directory: Path, name: str, text: str) -> Path:
    """Write a file that only its owner may read, whole or not at all."""
    file, fresh = directory / name, directory / f"{name}.new"
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        output.write(text)
    binaries.give(directory, fresh)
    os.replace(fresh, file)
    return file


def reset_password(directory: Path) -> None:
    """Give the owner a new password while the server does not run. Raises ServerError."""
    password = secrets.token_urlsafe(24)
    literal = QuotedString(password).getquoted().decode("ascii")
    statement = f"ALTER ROLE {OWNER} PASSWORD {literal}\n"
    said = binaries.run(directory, "postgres", "--single", "-D", "postgres", "postgres", text=statement)
    if "ERROR" in said or "FATAL" in said:
        raise ServerError(f"The embedded PostgreSQL in {directory} takes no new password: delete {directory}.")
    write_secret(directory, PASSWORD_FILES[OWNER], password)


def install_reader(directory: Path, info: ConnectionInfo) -> None:
    """Create the reader if there is none, and give it what it may do; `info` is the owner's."""
    password = read_password(directory, READER) or secrets.token_urlsafe(24)
    reader = Identifier(READER)
    with closing(open_plain(info)) as connection, connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (READER,))
        if cursor.fetchone() is None:
            cursor.execute(SQL("CREATE ROLE {}").format(reader))
        cursor.execute(SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(reader, Literal(password)))
        cursor.execute(SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(reader))
        cursor.execute(r"SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)'")
        for (schema,) in cursor.fetchall():
            for grant in GRANTS:
                cursor.execute(SQL(grant).format(reader=reader, schema=Identifier(schema)))
        for grant in DEFAULTS:
            cursor.execute(SQL(grant).format(reader=reader, owner=Identifier(OWNER)))
    write_secret(directory, PASSWORD_FILES[READER], password)
    write_secret(directory, "pgpass", f"{info['host']}:{info['port']}:{info['dbname']}:{READER}:{password}\n")


def reader_address(directory: Path, info: ConnectionInfo) -> str:
    """The reader's address for libpq: with the place of the password, without the password."""
    passfile = quote(str(directory / "pgpass"))
    return f"postgresql://{READER}@{info['host']}:{info['port']}/{info['dbname']}?passfile={passfile}"
