"""What the scripts of the cluster's life have in common: their options, how they end, whom they ask."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra import aws
from infra.config import ConfigError, Settings, load_settings
from infra.provisioned import Provisioned
from infra.serverless import Serverless
from infra.target import Target, read_target
from infra.warehouse import WarehouseError

# What a user can cause, or AWS or the machine may refuse.
STOPPERS = (ConfigError, aws.AwsError, WarehouseError, BotoCoreError, ClientError, OSError)


@dataclass(frozen=True)
class Here:
    """Where a script works: the settings, what they want, and whom to ask for it."""

    settings: Settings
    target: Target
    session: boto3.Session
    cluster: Provisioned | Serverless

    def account(self) -> tuple[str, str]:
        """The number of the caller's account, and the partition of AWS it is in, mostly `aws`."""
        identity = self.client("sts").get_caller_identity()
        return identity["Account"], identity["Arn"].split(":")[1]

    @property
    def other(self) -> Provisioned | Serverless:
        """What there may be of the same name as the other kind, which dwh.cfg does not ask for."""
        return (Provisioned if self.target.serverless else Serverless)(self.session, self.target.name)

    def client(self, service: str):
        """A client of another service in the cluster's region."""
        return self.session.client(service, config=aws.CLIENT)


def parser(doc: str, dry_run: str) -> argparse.ArgumentParser:
    """A parser with the options that all the scripts have."""
    new = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    new.add_argument("--config", metavar="FILE", help="the dwh.cfg to use (default: the one in the project's folder)")
    new.add_argument("--dry-run", action="store_true", help=dry_run)
    return new


def open_here(config: str | Path | None) -> Here:
    """Read dwh.cfg and make the session; nothing is asked of AWS yet."""
    settings = load_settings(config)
    if settings.path is None:
        raise ConfigError("There is no dwh.cfg yet: copy dwh.cfg.example to dwh.cfg and fill it in.")
    target = read_target(settings)
    session = aws.session(settings, target.region)
    kind = Serverless if target.serverless else Provisioned
    return Here(settings, target, session, kind(session, target.name))


def explain(error: Exception) -> str:
    """What one of STOPPERS says, in a sentence."""
    if isinstance(error, BotoCoreError | ClientError):
        return aws.explain(error)
    if isinstance(error, OSError):
        return f"{error.filename} cannot be used: {error.strerror}."
    return str(error)


def run(name: str, work: Callable[[], int]) -> int:
    """Do the work of a script and say in one sentence what stopped it: 2 for dwh.cfg, 1 for all else."""
    try:
        return work()
    except STOPPERS as error:
        print(f"{name}: {explain(error)}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted; run it again and it goes on from here.", file=sys.stderr)
        return 1
