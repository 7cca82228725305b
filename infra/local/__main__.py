"""Hold the embedded warehouse up in the foreground and print how to reach it with psql or a BI tool; Ctrl-C ends it."""

import sys
import threading
from contextlib import suppress

from infra import cli
from infra.config import load_settings
from infra.local import supervisor


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C. Exit code 0, 1 if the server cannot be started, 2 for a fault in dwh.cfg."""
    parser = cli.make_parser(__doc__)
    parser.prog = "python -m infra.local"
    options = parser.parse_args(argv)

    def work() -> int:
        """Start the server and wait for Ctrl-C."""
        settings = load_settings(options.config)
        reach = supervisor.acquire(settings.local_path)
        url = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**reach)
        print(f"The embedded warehouse in {settings.local_path} is up. Press Ctrl-C to let go of it.")
        print(f"psql:    psql {url}")
        print("BI tool: PostgreSQL, host {host}, port {port}, database {dbname}, user {user}".format(**reach), end=", ")
        print(f"password {reach['password']}", flush=True)
        print("Context you speak PostgreSQL's SQL; the scripts and notebooks speak Redshift's.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        return 0

    return cli.run("infra.local", work)


if __name__ == "__main__":
    sys.exit(main())
