"""The one seam between the pipeline and where it runs."""

from psycopg2.extensions import connection

from infra.config import Settings


def connect(settings: Settings) -> connection:
    """A psycopg2 connection that takes Redshift SQL: to Amazon Redshift if the settings name a host, else to the
    embedded warehouse, which is started (and on first use made, with simulated data) as needed.

    Raises WarehouseError where that fails.
    """
    if settings.embedded:
        from infra.local.connection import connect as connect_embedded  # only for those who use it

        return connect_embedded(settings)
    from infra.aws.connection import connect as connect_redshift

    return connect_redshift(settings)
