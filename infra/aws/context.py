"""Where a script of the cluster's life works: the settings, what they want of AWS, and whom to ask for it."""

from dataclasses import dataclass
from pathlib import Path

import boto3

from infra.aws.cluster_spec import ClusterSpec, read_cluster_spec
from infra.aws.provisioned import Provisioned
from infra.aws.serverless import Serverless
from infra.aws.session import CLIENT_CONFIG, make_session
from infra.config import Settings, load_settings
from infra.errors import ConfigError


@dataclass(frozen=True)
class Context:
    """Where a script works: the settings, what they want, and whom to ask for it."""

    settings: Settings
    spec: ClusterSpec
    session: boto3.Session
    cluster: Provisioned | Serverless

    def account(self) -> tuple[str, str]:
        """The number of the caller's account, and the partition of AWS it is in, mostly `aws`."""
        identity = self.client("sts").get_caller_identity()
        return identity["Account"], identity["Arn"].split(":")[1]

    @property
    def other(self) -> Provisioned | Serverless:
        """What there may be of the same name as the other kind, which dwh.cfg does not ask for."""
        return (Provisioned if self.spec.serverless else Serverless)(self.session, self.spec.name)

    def client(self, service: str):
        """A client of another service in the cluster's region."""
        return self.session.client(service, config=CLIENT_CONFIG)


def make_context(config: str | Path | None) -> Context:
    """Read dwh.cfg and make the session; nothing is asked of AWS yet."""
    settings = load_settings(config)
    if settings.path is None:
        raise ConfigError("There is no dwh.cfg yet: copy dwh.cfg.example to dwh.cfg and fill it in.")
    spec = read_cluster_spec(settings)
    session = make_session(settings, spec.region)
    kind = Serverless if spec.serverless else Provisioned
    return Context(settings, spec, session, kind(session, spec.name))
