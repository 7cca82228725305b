"""Connections to Amazon Redshift: over verified TLS, with the password of dwh.cfg or a temporary one from AWS."""

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from infra.aws.client_errors import error_code
from infra.aws.client_errors import explain as explain_aws_error
from infra.aws.diagnosis import explain_failure, find_cluster
from infra.aws.session import CA_BUNDLE
from infra.config import Settings
from infra.errors import WarehouseError, same_config


def connect(settings: Settings) -> psycopg2.extensions.connection:
    """Make a psycopg2 connection to the cluster that the settings name. Raises WarehouseError if there is none.

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
            tcp_user_timeout=120_000,  # milliseconds: the same for what was sent and nobody takes
            application_name="sparkify",
        )
    except psycopg2.OperationalError as error:
        text = " ".join(str(error).split())
    raise WarehouseError(f"No connection to {where}: {explain_failure(settings, text)}.") from None


def temporary_credentials(settings: Settings) -> tuple[str, str]:
    """Ask AWS for a user and a password, for the caller's own IAM identity."""
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
            raise WarehouseError(
                f"There is no {cluster.kind} {cluster.name}: run create_cluster.py{same_config()}."
            ) from None
        raise WarehouseError(f"No temporary password for {settings.user}: {explain_aws_error(error)}") from None
