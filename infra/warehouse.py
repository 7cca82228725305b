"""The one seam between the pipeline and where it runs and reads."""

from psycopg2.extensions import connection

from infra.config import Settings


def connect(settings: Settings) -> connection:
    """A psycopg2 connection that takes Redshift SQL: to Amazon Redshift if the settings name a host, else to the
    embedded warehouse, which is started (and on first use made, with simulated data) as needed.

    Raises WarehouseError where that fails.
    """
    if settings.embedded:
        from infra.local import server

        server.check_memory()
        from infra.local.connection import connect as connect_embedded  # only for those who use it

        return connect_embedded(settings)
    from infra.aws.connection import connect as connect_redshift

    return connect_redshift(settings)


def source_region(settings: Settings) -> str:
    """The region for the REGION of COPY: [S3] REGION, else what S3 says of the data's buckets.

    Raises ConfigError if S3 cannot be asked, or if the buckets are in several regions.
    """
    if settings.simulated:
        return settings.region
    from infra.aws.bucket_region import source_region as ask_s3  # only for those who read S3

    return ask_s3(settings)
