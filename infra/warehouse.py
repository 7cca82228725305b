"""The one seam between the pipeline and where it runs."""

from psycopg2.extensions import connection

from infra.config import Settings


class WarehouseError(Exception):
    """The warehouse cannot be reached or used; the message is one sentence that says what to do."""


def connect(settings: Settings) -> connection:
    """A psycopg2 connection that takes Redshift SQL: to Amazon Redshift if the settings name a host, else to the
    embedded stand-in, which is started (and on first use made, with simulated data) as needed.

    Raises WarehouseError where that fails.
    """
    if settings.embedded:
        from infra.local.connection import connect as connect_embedded  # only for those who use it

        return connect_embedded(settings)
    from infra import redshift

    return redshift.connect(settings)
