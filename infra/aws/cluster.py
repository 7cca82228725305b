"""A cluster as these scripts see it: what AWS says of it, and what can be done with either kind."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from infra.aws.cluster_spec import ClusterSpec
from infra.errors import same_config

WAY_IN = 'infra/README.md, "Without a public port", shows the way in, through an SSM session'


@dataclass(frozen=True)
class ClusterInfo:
    """What AWS says of the cluster or workgroup."""

    state: str  # as AWS words it, in lower case
    owner: str  # "": not made by these scripts
    host: str = ""
    port: int = 0
    size: str = ""
    version: str = ""
    public: bool = False
    encrypted: bool = False
    roles: tuple[str, ...] = ()  # that it can use
    roles_adding: tuple[str, ...] = ()  # that it cannot use yet
    groups: tuple[str, ...] = ()  # security groups
    created: datetime | None = None
    nodes: int = 0
    node_type: str = ""
    parameter_group: str = ""  # "": none, or changed since the cluster started
    base_rpu: int = 0  # 0 for a cluster
    stack: str = ""  # of CloudFormation, which made it
    secret: bool = False  # Secrets Manager keeps the admin's password
    snapshot: str = ""  # that it was restored from, with a mark of snapshots.py while that is under way


@dataclass(frozen=True)
class Change:
    """Something that dwh.cfg wants otherwise than it is there, and the call that has AWS change it."""

    keys: str  # of dwh.cfg
    now: str
    wanted: str
    price: str  # before and after
    note: str  # what the change does to those who use the cluster
    call: Callable[[], object]

    def describe(self) -> str:
        """Say what is there, what is wanted, what it costs and what it does."""
        return f"{self.keys}: {self.now} is there, dwh.cfg wants {self.wanted} ({self.price}; {self.note})"


class Cluster(Protocol):
    """A provisioned cluster or a serverless workgroup of one name in one region, there or not."""

    @property
    def kind(self) -> str:
        """What AWS calls it: cluster or workgroup."""

    @property
    def name(self) -> str:
        """Its name, by which AWS knows it."""

    @property
    def region(self) -> str:
        """The region it is in, or would be."""

    def find(self) -> ClusterInfo | None:
        """Ask AWS for it; None: there is none."""

    def create(self, spec: ClusterSpec, role: str, group: str, password: str) -> None:
        """Have made what is not there; an empty password is left to Secrets Manager."""

    def check_offer(self, spec: ClusterSpec) -> None:
        """Raise AwsError where AWS does not offer this size in the region."""

    def check_snapshot(self, spec: ClusterSpec, snapshot: str) -> None:
        """Raise AwsError for a snapshot that is not there, or that does not suit the spec."""

    def check_new_snapshot(self, snapshot: str) -> None:
        """Raise AwsError where the name of the last snapshot is taken, unless a deletion under way makes it."""

    def restore(self, spec: ClusterSpec, role: str, group: str, snapshot: str, *, managed: bool) -> None:
        """Have it made from a snapshot, or go on with that; `managed` gives the password to Secrets Manager."""

    def wait(self, state: str = "available") -> ClusterInfo:
        """Wait for a state; raise AwsError for one from which none leads there."""

    def attach_role(self, info: ClusterInfo, role: str) -> None:
        """Let it use the role, if it does not yet."""

    def pause(self) -> None:
        """Have it paused."""

    def resume(self) -> None:
        """Have it resumed."""

    def delete(self, snapshot: str) -> None:
        """Delete it and wait until it is gone; with a snapshot of this name, or "" for none."""

    def tls_required(self, info: ClusterInfo) -> bool | None:
        """Whether it refuses connections without TLS; None: unknown."""

    def credentials(self, user: str, dbname: str) -> tuple[str, str]:
        """Return a database user and password for the next 15 minutes."""

    def changes(self, spec: ClusterSpec, info: ClusterInfo) -> list[Change]:
        """List what dwh.cfg wants otherwise and AWS can change in place."""

    def leftovers(self) -> list[str]:
        """Say what of its kind still costs money in the region, and how to remove it."""


def how_to_destroy(name: str, kind: str, region: str) -> str:
    """Say what to do to have what these scripts made under this name destroyed."""
    keys = f"DWH_REGION={region}, DWH_CLUSTER_IDENTIFIER={name} and DWH_CLUSTER_TYPE={kind}"
    return f"set [DWH] {keys}, and run destroy_cluster.py{same_config()} again"
