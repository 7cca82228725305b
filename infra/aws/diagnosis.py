"""Why a connection to Redshift failed: the server's own words where it gave some, else what AWS says of the cluster."""

import re

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import security_group
from infra.aws.cluster import WAY_IN, Cluster
from infra.aws.endpoint import parse_endpoint
from infra.aws.provisioned import Provisioned
from infra.aws.serverless import Serverless
from infra.aws.session import CLIENT_CONFIG, make_session
from infra.config import Settings

# What libpq says, and what it means. The order matters: the first match is taken.
CAUSES = (
    (r"password authentication failed|authentication failed|user .* does not exist", "user or password is wrong"),
    (r"database .* does not exist", "there is no such database"),
    (
        "does not support SSL",
        "TLS: the server speaks none, so nothing was sent to it (is it Redshift? does a proxy stand between?)",
    ),
    (
        r"certificate|SSL|TLS|ssl",
        "TLS: the server has not proven to be this host (is HOST its real name? does a proxy stand between?)",
    ),
)


def find_cluster(settings: Settings) -> Cluster | None:
    """Find the cluster or workgroup that HOST belongs to, by its name; None: it is no endpoint of AWS."""
    endpoint = parse_endpoint(settings.host)
    if endpoint is None:
        return None
    return (Serverless if endpoint.serverless else Provisioned)(make_session(settings, endpoint.region), endpoint.name)


def explain_failure(settings: Settings, text: str) -> str:
    """Say which of the usual causes a failed connect has, and what libpq said."""
    for pattern, meaning in CAUSES:
        if re.search(pattern, text):
            return f"{meaning}; see [CLUSTER] in {settings.path} ({text})"
    try:
        return f"{_ask_aws(settings, find_cluster(settings), text)} ({text})"
    except (BotoCoreError, ClientError):  # whoever may not ask AWS is told all that it can be
        return (
            "the cluster is paused or gone, its port is closed to your address, or it has no public address; "
            f"see `python infra/cluster_status.py` ({text})"
        )


def _ask_aws(settings: Settings, cluster: Cluster | None, text: str) -> str:
    """Ask AWS why nothing answers."""
    if cluster is None:
        return f"nothing answers there; see [CLUSTER] HOST and DB_PORT in {settings.path}"
    info = cluster.find()
    if info is None:
        return f"the {cluster.kind} {cluster.name} is gone; run create_cluster.py"
    if info.state == "paused":
        return "the cluster is paused; run cluster_status.py --resume --wait"
    if info.state != "available":
        return f"the {cluster.kind} is {info.state}; run cluster_status.py --wait"
    if info.port != settings.port:
        return f"the {cluster.kind} listens on port {info.port}; correct [CLUSTER] DB_PORT in {settings.path}"
    if not info.public:
        return f"it is not public, so it can be reached only from inside its VPC; {WAY_IN}"
    if "translate host name" in text:
        return "its name is not known to your name server yet; try again in some minutes"
    ec2 = make_session(settings, cluster.region).client("ec2", config=CLIENT_CONFIG)
    groups = security_group.find_groups(ec2, cluster.name)
    networks = [network for group in groups for network, _ in security_group.open_to(group)]
    if not networks:
        return "its port is closed to everyone; run open_incoming_port.py"
    return f"its port is open to {', '.join(networks)} and probably not to you; run open_incoming_port.py"
