"""What AWS says of a cluster or serverless workgroup."""

from dataclasses import dataclass
from datetime import datetime


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
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()  # security groups
    created: datetime | None = None
    nodes: int = 0
    node_type: str = ""
    parameter_group: str = ""  # "": none, or changed since the cluster started


def how_to_destroy(name: str, kind: str) -> str:
    """What to do to have what these scripts made under this name destroyed."""
    return f"set [DWH] DWH_CLUSTER_IDENTIFIER={name} and DWH_CLUSTER_TYPE={kind}, and run destroy_cluster.py again"
