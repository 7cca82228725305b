"""What dwh.cfg wants of AWS: the [DWH] section as one typed value."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from infra.aws.guards import Guards, read_guards
from infra.aws.own_resources import OwnResources, read_own_resources
from infra.aws.prices import NODE_TYPES
from infra.config import Settings, fail, require
from infra.reserved_words import RESERVED

# AWS sells these no longer; each with what comes closest to it.
RETIRED = {"dc1": "ra3.large", "dc2": "ra3.large", "ds2": "ra3.xlplus"}
CLUSTER_TYPES = ("single-node", "multi-node", "serverless")
# Of all other types that AWS sells a cluster has at least 2 nodes: AWS's table of node types names one node for these
# alone (https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-clusters.html, read on 2026-11-21).
SINGLE_NODE = ("ra3.large", "ra3.xlplus", "rg.large")
# Where AWS makes workgroups of 4 RPU: "Compute capacity for Amazon Redshift Serverless", read on 2026-11-21
# (https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html).
FOUR_RPU_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ap-northeast-1", "eu-west-1", "eu-north-1"),
)
PASSWORD_RULE = "8 to 64 printable characters with upper case, lower case and digit, but no ' \" \\ / @ or space"


@dataclass(frozen=True)
class ClusterSpec:
    """The cluster, or serverless workgroup, that dwh.cfg describes."""

    name: str
    region: str
    node_type: str  # "" for serverless
    nodes: int  # 0 for serverless
    public: bool
    dbname: str
    user: str
    password: str = field(repr=False)  # "": none yet
    port: int
    role: str
    subnet_group: str  # "": the default VPC
    sources: tuple[str, ...]  # s3:// URLs that the role may read; a folder ends with /
    work: str  # the one of them where a load writes its manifests; "": none
    base_rpu: int  # 0 for a cluster
    daily_rpu_hours: int  # what a serverless workgroup may use up in a day
    own: OwnResources  # what the user brings
    guards: Guards  # against a forgotten bill

    @property
    def serverless(self) -> bool:
        """Whether this is a workgroup of Redshift Serverless."""
        return bool(self.base_rpu)

    @property
    def size(self) -> str:
        """Such as `2 x ra3.large` or `4 RPU`."""
        return f"{self.base_rpu} RPU" if self.serverless else f"{self.nodes} x {self.node_type}"


def read_cluster_spec(settings: Settings) -> ClusterSpec:
    """Read what dwh.cfg wants of AWS. Raises ConfigError for a value that AWS would not take."""
    name = (settings.dwh.get("DWH_CLUSTER_IDENTIFIER") or "sparkify").lower()  # as AWS does it
    if not re.fullmatch(r"(?!.*--)[a-z][a-z0-9-]{1,61}[a-z0-9]", name):
        _refuse(settings, "DWH_CLUSTER_IDENTIFIER", f"is {name!r}: 3 to 63 letters, digits and single hyphens.")
    role = settings.dwh.get("DWH_IAM_ROLE_NAME") or f"{name}-redshift-{settings.cluster_region}"
    _check_names(settings, name, role)
    subnet_group = settings.dwh.get("DWH_SUBNET_GROUP", "")
    node_type, nodes, rpu = "", 0, 0
    if _choice(settings, "DWH_CLUSTER_TYPE", CLUSTER_TYPES) == "serverless":
        if subnet_group:
            _refuse(settings, "DWH_SUBNET_GROUP", "is not for serverless: name subnets in DWH_SUBNET_IDS instead.")
        least = 4 if settings.cluster_region in FOUR_RPU_REGIONS else 8
        rpu = _number(
            settings, "DWH_BASE_RPU", least, "4 or a multiple of 8", lambda n: n == 4 or (0 < n <= 512 and n % 8 == 0)
        )
    else:
        node_type, nodes = _read_nodes(settings)
    if not (5431 <= settings.port <= 5455 or 8191 <= settings.port <= 8215):
        fail(settings.path, "CLUSTER", "DB_PORT", f"is {settings.port}: Redshift takes 5431 to 5455 and 8191 to 8215.")
    return ClusterSpec(
        name=name,
        region=settings.cluster_region,
        node_type=node_type,
        nodes=nodes,
        public=_choice(settings, "DWH_PUBLICLY_ACCESSIBLE", ("true", "false")) == "true",
        dbname=require(settings.path, "CLUSTER", "DB_NAME", settings.dbname),
        user=require(settings.path, "CLUSTER", "DB_USER", settings.user),
        password=settings.password,
        port=settings.port,
        role=role,
        subnet_group=subnet_group,
        sources=_read_sources(settings),
        work=settings.work,
        base_rpu=rpu,
        daily_rpu_hours=_number(settings, "DWH_DAILY_RPU_HOURS", 8, "at least 1", lambda n: n >= 1),
        own=read_own_resources(settings),
        guards=read_guards(settings),
    )


def _check_names(settings: Settings, name: str, role: str) -> None:
    """Raise a ConfigError for a name that AWS would refuse after other things are made."""
    if name.startswith("sg-"):
        _refuse(settings, "DWH_CLUSTER_IDENTIFIER", f"is {name!r}: AWS takes no security group that begins with sg-.")
    if not re.fullmatch(r"[A-Za-z0-9_+=,.@-]{1,64}", role):
        _refuse(settings, "DWH_IAM_ROLE_NAME", f"is {role!r}: AWS takes up to 64 letters, digits and any of _+=,.@-")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}|", settings.dbname):
        problem = f"is {settings.dbname!r}: up to 64 lower-case letters, digits and _, first a letter."
        fail(settings.path, "CLUSTER", "DB_NAME", problem)
    if not re.fullmatch(r"(?!public$)[a-z][a-z0-9_+.@-]{0,127}|", settings.user):
        problem = (
            f"is {settings.user!r}: up to 128 lower-case letters, digits and any of _+.@-, first a letter; not public."
        )
        fail(settings.path, "CLUSTER", "DB_USER", problem)
    for key, value in (("DB_NAME", settings.dbname), ("DB_USER", settings.user)):
        if value in RESERVED:
            fail(settings.path, "CLUSTER", key, f"is {value!r}, a reserved word of Redshift: choose another name.")


def _refuse(settings: Settings, key: str, problem: str) -> NoReturn:
    """Raise the ConfigError for one key of [DWH]."""
    fail(settings.path, "DWH", key, problem)


def _choice(settings: Settings, key: str, choices: tuple[str, ...]) -> str:
    """Read a value of [DWH] that is one of these, by default the first; raise a ConfigError that names them all."""
    value = (settings.dwh.get(key) or choices[0]).lower()
    if value not in choices:
        _refuse(settings, key, f"is {value!r}: write {', '.join(choices[:-1])} or {choices[-1]}.")
    return value


def _number(settings: Settings, key: str, default: int, allowed: str, is_allowed: Callable[[int], bool]) -> int:
    """Read a whole number of [DWH]; raise a ConfigError that says what is allowed."""
    value = settings.dwh.get(key) or str(default)
    if not value.isdecimal() or not is_allowed(int(value)):
        _refuse(settings, key, f"is {value!r}: it must be {allowed}.")
    return int(value)


def _read_nodes(settings: Settings) -> tuple[str, int]:
    """Read node type and number of a provisioned cluster."""
    node_type = (settings.dwh.get("DWH_NODE_TYPE") or "ra3.large").lower()
    if better := RETIRED.get(node_type.split(".")[0]):
        _refuse(
            settings,
            "DWH_NODE_TYPE",
            f"is {node_type}, which AWS no longer offers: write {better} instead.",
        )
    kind = _choice(settings, "DWH_CLUSTER_TYPE", CLUSTER_TYPES)
    if kind == "single-node" and node_type in NODE_TYPES and node_type not in SINGLE_NODE:
        _refuse(settings, "DWH_NODE_TYPE", f"is {node_type}, of which a cluster has at least 2: write multi-node.")
    least = 2 if kind == "multi-node" else 1
    nodes = _number(settings, "DWH_NUM_NODES", least, f"at least 2 for multi-node, 1 for {kind}", lambda n: n >= least)
    if kind == "single-node" and nodes != 1:
        problem = f"is {nodes} for a single-node: write 1, or DWH_CLUSTER_TYPE multi-node."
        _refuse(settings, "DWH_NUM_NODES", problem)
    return node_type, nodes


def _read_sources(settings: Settings) -> tuple[str, ...]:
    """Return the s3:// URLs of the data; raise a ConfigError for one that is elsewhere."""
    sources = {"LOG_DATA": settings.log_data, "SONG_DATA": settings.song_data, "LOG_JSONPATH": settings.log_jsonpath}
    for key, value in sources.items():
        if not value.startswith("s3://"):
            fail(settings.path, "S3", key, "is not in S3, from which Redshift reads: it must start with s3://.")
    return (*sources.values(), *filter(None, [settings.work]))  # WORK has the manifests that a load writes


def check_password(path: Path | None, password: str) -> None:
    """Raise a ConfigError, without the password, for one that Redshift would refuse."""
    classes = ("[A-Z]", "[a-z]", "[0-9]")
    if not (re.fullmatch(r"[!-~]{8,64}", password) and all(re.search(each, password) for each in classes)) or (
        re.search(r"['\"\\/@]", password)
    ):
        fail(path, "CLUSTER", "DB_PASSWORD", f"does not suit Redshift: {PASSWORD_RULE}.")
