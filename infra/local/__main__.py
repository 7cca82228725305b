"""Hold the embedded warehouse up in the foreground, for psql and BI tools; Ctrl-C ends it.

Prints the addresses of two users: the reader may look at every table and change nothing; the owner may do everything.
The passwords are in files that only you may read, not on a command line.
"""

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split

import sys
import time
from contextlib import suppress

from infra import cli
from infra.config import load_settings
from infra.errors import ServerError, same_config
from infra.local import server, supervisor
from infra.local.credentials import OWNER, PASSWORD_FILES, READER, reader_address


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C. Exit code 0, 1 if the server cannot be started or ends, 2 for a fault in dwh.cfg."""
    parser = cli.make_parser(__doc__)
    parser.prog = "python -m infra.local"
    options = parser.parse_args(argv)

    def work() -> int:
        """Start the server and wait for Ctrl-C."""
        directory = load_settings(options.config).local_path
        info = supervisor.acquire(directory)
        print(f"The embedded warehouse in {directory} is up. Press Ctrl-C to let go of it.")
        print(f'psql:    psql "{reader_address(directory, info)}"')
        print(f"BI tool: PostgreSQL, host {info['host']}, port {info['port']}, database {info['dbname']}")
        print(f"Reader:  user {READER}, password in {directory / PASSWORD_FILES[READER]}")
        print(f"Owner:   user {OWNER}, password in {directory / PASSWORD_FILES[OWNER]}")
        print("In psql and BI tools write PostgreSQL's SQL; the scripts and notebooks write Redshift's.", flush=True)
        with suppress(KeyboardInterrupt):
            while server.running(directory):
                time.sleep(1)  # Windows notices Ctrl-C between two short waits, never in one without end
            raise ServerError(f"The server in {directory} has ended: start it again with {parser.prog}{same_config()}.")
        return 0

    return cli.run("infra.local", work)


if __name__ == "__main__":
    sys.exit(main())
