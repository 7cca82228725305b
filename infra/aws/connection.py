"""Connections to Amazon Redshift: over verified TLS, with the password of dwh.cfg or a temporary one from AWS."""

import re

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import security_group
from infra.aws.client_errors import error_code
from infra.aws.client_errors import explain as explain_aws_error
from infra.aws.cluster import ClusterInfo
from infra.aws.provisioned import Provisioned
from infra.aws.serverless import Serverless
from infra.aws.session import CA_BUNDLE, make_session
from infra.config import Settings
from infra.errors import WarehouseError

# name.id.region.redshift.amazonaws.com, or name.account.region.redshift-serverless.amazonaws.com
ENDPOINT = re.compile(r"([a-z0-9-]+)\.[a-z0-9]+\.([a-z0-9-]+)\.redshift(-serverless)?\.amazonaws\.com(\.cn)?")

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


def connect(settings: Settings) -> psycopg2.extensions.connection:
    """A psycopg2 connection to the cluster that the settings name. Raises WarehouseError if there is none.

    The server's certificate and name are verified against the public roots that boto3 brings along: those of the
    operating system cannot be found by the libpq of psycopg2-binary, which looks where it was built.
    """
    where = f"{settings.host}:{settings.port}/{settings.dbname}"
    user, password = settings.user, settings.password
    if not password:
        user, password = temporary_credentials(settings)
    try:
        return psycopg2.connect(
            host=settings.host,
            port=settings.port,
            dbname=settings.dbname,
            user=user,
            password=password,
            sslmode="verify-full",
            sslrootcert=settings.sslrootcert or str(CA_BUNDLE),
            gssencmode="disable",
            connect_timeout=10,
            keepalives=1,
            keepalives_idle=60,  # a COPY is silent for long; what stands between forgets it after some minutes
            keepalives_interval=10,
            keepalives_count=6,
            application_name="sparkify",
        )
    except psycopg2.OperationalError as error:
        text = " ".join(str(error).split())
    raise WarehouseError(f"No connection to {where}: {cause(settings, text)}.") from None


def temporary_credentials(settings: Settings) -> tuple[str, str]:
    """A user and a password from AWS, for the caller's own IAM identity."""
    cluster = find_cluster(settings)
    if cluster is None:
        raise WarehouseError(
            f"{settings.path}: [CLUSTER] DB_PASSWORD is empty, and HOST is no Redshift endpoint to ask AWS for one: "
            "set the password."
        )
    try:
        return cluster.credentials(settings.user, settings.dbname)
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error_code(error) in ("ClusterNotFound", "ResourceNotFoundException"):
            raise WarehouseError(f"There is no {cluster.word} {cluster.name}: run create_cluster.py.") from None
        raise WarehouseError(f"No temporary password for {settings.user}: {explain_aws_error(error)}") from None


def find_cluster(settings: Settings) -> Provisioned | Serverless | None:
    """The cluster or workgroup that an endpoint belongs to, by its name; None: it is no endpoint of AWS."""
    match = ENDPOINT.fullmatch(settings.host)
    if match is None:
        return None
    name, region, serverless, _ = match.groups()
    return (Serverless if serverless else Provisioned)(make_session(settings, region), name)


def cause(settings: Settings, text: str) -> str:
    """Which of the usual causes a failed connect has, in libpq's words and in ours."""
    for pattern, meaning in CAUSES:
        if re.search(pattern, text):
            return f"{meaning}; see [CLUSTER] in {settings.path} ({text})"
    try:
        return f"{look(settings, find_cluster(settings), text)} ({text})"
    except (BotoCoreError, ClientError):  # whoever may not ask AWS is told all that it can be
        return (
            "the cluster is paused or gone, its port is closed to your address, or it has no public address; "
            f"see `python infra/cluster_status.py` ({text})"
        )


def look(settings: Settings, cluster: Provisioned | Serverless | None, text: str) -> str:
    """Ask AWS why nothing answers."""
    if cluster is None:
        return f"nothing answers there; see [CLUSTER] HOST and DB_PORT in {settings.path}"
    found: ClusterInfo | None = cluster.find()
    if found is None:
        return f"the {cluster.word} {cluster.name} is gone; run create_cluster.py"
    if found.state == "paused":
        return "the cluster is paused; run cluster_status.py --resume --wait"
    if found.state != "available":
        return f"the {cluster.word} is {found.state}; run cluster_status.py --wait"
    if found.port != settings.port:
        return f"the {cluster.word} listens on port {found.port}; correct [CLUSTER] DB_PORT in {settings.path}"
    if not found.public:
        return "it is not public, so it can be reached only from inside its VPC"
    if "translate host name" in text:
        return "its name is not known to your name server yet; try again in some minutes"
    groups = security_group.find_groups(
        make_session(settings, cluster.client.meta.region_name).client("ec2"), cluster.name
    )
    networks = [network for group in groups for network, _ in security_group.open_to(group)]
    if not networks:
        return "its port is closed to everyone; run open_incoming_port.py"
    return f"its port is open to {', '.join(networks)} and probably not to you; run open_incoming_port.py"
