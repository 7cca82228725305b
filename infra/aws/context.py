"""Where a script of the cluster's life works: the settings, what they want of AWS, and whom to ask for it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from infra.aws.cluster import Cluster
from infra.aws.cluster_spec import ClusterSpec, read_cluster_spec
from infra.aws.endpoint import check_region
from infra.aws.provisioned import Provisioned
from infra.aws.serverless import Serverless
from infra.aws.session import CLIENT_CONFIG, make_session
from infra.config import Settings, load_settings
from infra.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_budgets import BudgetsClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_redshift import RedshiftClient
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True)
class Context:
    """Where a script works: the settings, what they want, and whom to ask for it.

    A client is made once, when it is first asked for: to make that of EC2 takes as long as many requests.
    """

    path: Path  # dwh.cfg
    settings: Settings
    spec: ClusterSpec
    session: boto3.Session
    cluster: Cluster  # of the kind that dwh.cfg asks for
    other: Cluster  # of the same name and the other kind

    def account(self) -> tuple[str, str]:
        """Return the number of the caller's account, and the partition of AWS it is in, mostly `aws`."""
        identity = self.sts.get_caller_identity()
        return identity["Account"], identity["Arn"].split(":")[1]

    @cached_property
    def budgets(self) -> "BudgetsClient":
        """The client for budgets, which belong to the account."""
        return self.session.client("budgets", config=CLIENT_CONFIG)

    @cached_property
    def ec2(self) -> "EC2Client":
        """The client for networks, in the cluster's region."""
        return self.session.client("ec2", config=CLIENT_CONFIG)

    @cached_property
    def iam(self) -> "IAMClient":
        """The client for roles, which are the same in all regions."""
        return self.session.client("iam", config=CLIENT_CONFIG)

    @cached_property
    def redshift(self) -> "RedshiftClient":
        """The client for provisioned clusters and their groups, in the cluster's region."""
        return self.session.client("redshift", config=CLIENT_CONFIG)

    @cached_property
    def sts(self) -> "STSClient":
        """The client that says who the caller is."""
        return self.session.client("sts", config=CLIENT_CONFIG)


def make_context(config: str | Path | None) -> Context:
    """Read dwh.cfg and make the session; nothing is asked of AWS yet.

    Raises ConfigError for a wrong value, and where HOST is in another region than the one asked for.
    """
    settings = load_settings(config)
    if settings.path is None:
        raise ConfigError("There is no dwh.cfg yet: copy dwh.cfg.example to dwh.cfg and fill it in.")
    check_region(settings)
    spec = read_cluster_spec(settings)
    session = make_session(settings, spec.region)
    kinds: list[Cluster] = [Provisioned(session, spec.name), Serverless(session, spec.name)]
    cluster, other = reversed(kinds) if spec.serverless else kinds
    return Context(settings.path, settings, spec, session, cluster, other)
