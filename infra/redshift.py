"""Connections to Amazon Redshift."""

import psycopg2

from infra.config import Settings
from infra.warehouse import WarehouseError


def connect(settings: Settings) -> psycopg2.extensions.connection:
    """A psycopg2 connection to the cluster that the settings name. Raises WarehouseError if there is none."""
    try:
        return psycopg2.connect(
            host=settings.host,
            port=settings.port,
            dbname=settings.dbname,
            user=settings.user,
            password=settings.password,
            sslmode="prefer",
            connect_timeout=10,
            application_name="sparkify",
        )
    except psycopg2.OperationalError as error:
        reason = " ".join(str(error).split())
        where = f"{settings.host}:{settings.port}/{settings.dbname}"
        raise WarehouseError(f"No connection to {where}: {reason} Check [CLUSTER] in {settings.path}.") from None
