"""Hold the embedded warehouse up in the foreground and print how to reach it with psql or a BI tool; Ctrl-C ends it."""

import argparse
import sys
import threading
from contextlib import suppress

from infra.config import ConfigError, load_settings
from infra.local import keeper
from infra.local.server import ServerError


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C. Exit code 0, 1 if the server cannot be started, 2 for a fault in dwh.cfg."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("--config", metavar="FILE", help="the dwh.cfg to read (default: the one beside the scripts)")
    options = parser.parse_args(argv)
    try:
        settings = load_settings(options.config)
        reach = keeper.acquire(settings.local_path)
    except ConfigError as error:
        print(f"infra.local: {error}", file=sys.stderr)
        return 2
    except ServerError as error:
        print(f"infra.local: {error}", file=sys.stderr)
        return 1
    url = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**reach)
    print(f"The embedded warehouse in {settings.local_path} is up. Press Ctrl-C to let go of it.")
    print(f"psql:    psql {url}")
    print("BI tool: PostgreSQL, host {host}, port {port}, database {dbname}, user {user}".format(**reach), end=", ")
    print(f"password {reach['password']}", flush=True)
    print("Here you speak PostgreSQL's SQL; the scripts and notebooks speak Redshift's.", flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
