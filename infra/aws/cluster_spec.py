"""What dwh.cfg wants of AWS: the [DWH] section as one typed value."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.config import Settings, fail, require

# AWS sells these no longer; each with what comes closest to it.
RETIRED = {"dc1": "ra3.large", "dc2": "ra3.large", "ds2": "ra3.xlplus"}
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
    base_rpu: int  # 0 for a cluster
    daily_rpu_hours: int  # what a serverless workgroup may use up in a day

    @property
    def serverless(self) -> bool:
        """Whether this is a workgroup of Redshift Serverless."""
        return bool(self.base_rpu)

    @property
    def size(self) -> str:
        """Such as `2 x ra3.large` or `4 RPU`."""
        return f"{self.base_rpu} RPU" if self.serverless else f"{self.nodes} x {self.node_type}"


def read_cluster_spec(settings: Settings) -> ClusterSpec:
    """The cluster that the settings describe. Raises ConfigError for a value that AWS would not take."""
    file = settings.path

    def get(key: str, default: str = "") -> str:
        """The value of a key of [DWH]."""
        return settings.dwh.get(key) or default

    def number(key: str, default: int, allowed: str, test: Callable[[int], bool]) -> int:
        """A whole number of [DWH] that passes the test, or a ConfigError that says what is allowed."""
        value = get(key, str(default))
        if not value.isdecimal() or not test(int(value)):
            fail(file, "DWH", key, f"is {value!r}: it must be {allowed}.")
        return int(value)

    name = get("DWH_CLUSTER_IDENTIFIER", "sparkify").lower()  # as AWS does it
    if not re.fullmatch(r"(?!.*--)[a-z][a-z0-9-]{1,61}[a-z0-9]", name):
        fail(file, "DWH", "DWH_CLUSTER_IDENTIFIER", f"is {name!r}: 3 to 63 letters, digits and single hyphens.")
    kind = get("DWH_CLUSTER_TYPE", "single-node").lower()
    if kind not in ("single-node", "multi-node", "serverless"):
        fail(file, "DWH", "DWH_CLUSTER_TYPE", f"is {kind!r}: write single-node, multi-node or serverless.")
    node_type, nodes, rpu = "", 0, 0
    subnet_group = get("DWH_SUBNET_GROUP")
    if kind == "serverless":
        if subnet_group:
            fail(file, "DWH", "DWH_SUBNET_GROUP", "is not for serverless, which takes the default VPC: empty it.")
        rpu = number("DWH_BASE_RPU", 4, "4 or a multiple of 8", lambda n: n == 4 or (0 < n <= 512 and n % 8 == 0))
    else:
        node_type = get("DWH_NODE_TYPE", "ra3.large").lower()
        if better := RETIRED.get(node_type.split(".")[0]):
            fail(file, "DWH", "DWH_NODE_TYPE", f"is {node_type}, which AWS no longer offers: write {better} instead.")
        least = 2 if kind == "multi-node" else 1
        nodes = number("DWH_NUM_NODES", least, f"at least 2 for multi-node, 1 for {kind}", lambda n: n >= least)
        if kind == "single-node" and nodes != 1:
            fail(
                file, "DWH", "DWH_NUM_NODES", f"is {nodes} for a single-node: write 1, or DWH_CLUSTER_TYPE multi-node."
            )
    if not (5431 <= settings.port <= 5455 or 8191 <= settings.port <= 8215):
        fail(file, "CLUSTER", "DB_PORT", f"is {settings.port}: Redshift takes 5431 to 5455 and 8191 to 8215.")
    public = get("DWH_PUBLICLY_ACCESSIBLE", "true").lower()
    if public not in ("true", "false"):
        fail(file, "DWH", "DWH_PUBLICLY_ACCESSIBLE", f"is {public!r}: write true or false.")
    sources = {"LOG_DATA": settings.log_data, "SONG_DATA": settings.song_data, "LOG_JSONPATH": settings.log_jsonpath}
    for key, value in sources.items():
        if not value.startswith("s3://"):
            fail(file, "S3", key, "is not in S3, from which Redshift reads: it must start with s3://.")
    return ClusterSpec(
        name=name,
        region=settings.cluster_region,
        node_type=node_type,
        nodes=nodes,
        public=public == "true",
        dbname=require(file, "CLUSTER", "DB_NAME", settings.dbname),
        user=require(file, "CLUSTER", "DB_USER", settings.user),
        password=settings.password,
        port=settings.port,
        role=get("DWH_IAM_ROLE_NAME", f"{name}-redshift"),
        subnet_group=subnet_group,
        sources=tuple(sources.values()),
        base_rpu=rpu,
        daily_rpu_hours=number("DWH_DAILY_RPU_HOURS", 8, "at least 1", lambda n: n >= 1),
    )


def check_password(settings: Settings, password: str) -> None:
    """Raise a ConfigError, without the password, for one that Redshift would refuse."""
    classes = ("[A-Z]", "[a-z]", "[0-9]")
    if not (re.fullmatch(r"[!-~]{8,64}", password) and all(re.search(each, password) for each in classes)) or (
        re.search(r"['\"\\/@]", password)
    ):
        fail(settings.path, "CLUSTER", "DB_PASSWORD", f"does not suit Redshift: {PASSWORD_RULE}.")
