"""Why a connection to Redshift failed: the server's own words where it gave some, else what AWS says of the cluster."""

import ipaddress
import re
from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import security_group
from infra.aws.cluster import WAY_IN, Cluster
from infra.aws.endpoint import parse_endpoint
from infra.aws.provisioned import Provisioned
from infra.aws.serverless import Serverless
from infra.aws.session import CLIENT_CONFIG, make_session
from infra.config import Settings
from infra.errors import AwsError, same_config

# What libpq says, and what it means. The order matters: the first match is taken.
CAUSES = (
    (
        r"authentication method \d+ not supported|authentication method requested by the server",
        "the server asks for a kind of password that libpq does not know: give the user a new password "
        "(ALTER USER ... PASSWORD), or empty DB_PASSWORD to sign in with your AWS identity",
    ),
    (r"authentication failed|(user|role) .* does not exist", "user or password is wrong"),
    (r"database .* does not exist", "there is no such database"),
    (
        "does not support SSL",
        "TLS: the server speaks none, so nothing was sent to it (is it Redshift? does a proxy stand between?)",
    ),
    (
        "certificate|certificate does not match|does not match host name",
        "TLS: the server has not proven to be this host (is HOST its real name? does a proxy stand between?)",
    ),
)
# Nobody has answered: AWS may know why. Everything else is the server's or libpq's own word.
SILENCE = "timeout expired|timed out|refused|translate host name|No route to host|unreachable|Name or service not known"
BROKEN_OFF = "closed the connection|SYSCALL|SSL connection has been closed|reset by peer|EOF detected"


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
    if re.search(BROKEN_OFF, text):
        return f"the connection broke off, as it does when a cluster restarts; try again in some minutes ({text})"
    if not re.search(SILENCE, text):
        said = text.partition("failed: ")[2] or text
        return f"the server says: {said.removeprefix('FATAL: ').strip()}"
    try:
        return f"{_ask_aws(settings, find_cluster(settings), text)} ({text})"
    except (BotoCoreError, ClientError, AwsError):  # whoever may not ask AWS is told all that it can be
        return (
            "the cluster is paused or gone, its port is closed to your address, or it has no public address; "
            f"see `python infra/cluster_status.py{same_config()}` ({text})"
        )


def private_address(text: str) -> str:
    """Return the private address that libpq tried, as it is inside a VPC; "" for a public one."""
    for word in re.findall(r"\(([0-9a-f.:]+)\)", text):
        with suppress(ValueError):
            address = ipaddress.ip_address(word)
            if address.is_private and not address.is_loopback:
                return str(address)
    return ""


def _ask_aws(settings: Settings, cluster: Cluster | None, text: str) -> str:
    """Ask AWS why nobody answers: first whether it runs and where, then who may reach its port."""
    if cluster is None:
        return f"nothing answers there; see [CLUSTER] HOST and DB_PORT in {settings.path}"
    info = cluster.find()
    if info is None:
        return f"the {cluster.kind} {cluster.name} is gone; run create_cluster.py{same_config()}"
    if info.state == "paused":
        return f"the cluster is paused; run cluster_status.py{same_config()} --resume --wait"
    if info.state != "available":
        return f"the {cluster.kind} is {info.state}; run cluster_status.py{same_config()} --wait"
    if info.port != settings.port:
        return f"the {cluster.kind} listens on port {info.port}; correct [CLUSTER] DB_PORT in {settings.path}"
    inside = private_address(text)
    if not info.public and not inside:
        return f"it is not public, so it can be reached only from inside its VPC; {WAY_IN}"
    if "translate host name" in text or "not known" in text:
        return "its name is not known to your name server yet; try again in some minutes"
    ec2 = make_session(settings, cluster.region).client("ec2", config=CLIENT_CONFIG)
    groups = security_group.attached_groups(ec2, info, cluster.name)
    networks = [network for group in groups for network, _ in security_group.open_to(group)]
    open_to = f"open to {', '.join(networks)} and probably not to you" if networks else "closed to everyone"
    if inside:
        where = f"its name leads you to {inside}, its private address inside the VPC, and its port is {open_to}"
        own = f"let your own private address in with open_incoming_port.py{same_config()} --cidr"
        return f"{where}; {own}" if info.public else f"it is not public: {where}; inside the VPC {own}; else {WAY_IN}"
    return f"its port is {open_to}; run open_incoming_port.py{same_config()}"
