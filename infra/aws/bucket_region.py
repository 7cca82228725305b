"""The region of the data's buckets, which a COPY must name where it is not the cluster's own."""

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.aws.client_errors import explain
from infra.aws.session import CLIENT_CONFIG, make_session
from infra.config import COURSE_BUCKET, DEFAULT_REGION, Settings
from infra.errors import ConfigError

HEADER = "x-amz-bucket-region"  # S3 sends it also to those who may not read the bucket, so no keys are needed
ANONYMOUS = CLIENT_CONFIG.merge(Config(signature_version=UNSIGNED))
KEYS = ("LOG_DATA", "SONG_DATA", "LOG_JSONPATH")


def source_region(settings: Settings) -> str:
    """Return the region for COPY: [S3] REGION, else what S3 says of the buckets.

    Raises ConfigError if S3 cannot be asked, or if the buckets are in several regions.
    """
    urls = (settings.log_data, settings.song_data, settings.log_jsonpath)
    if settings.region_given or not all(url.startswith("s3://") for url in urls):
        return settings.region
    buckets = {url.removeprefix("s3://").partition("/")[0]: key for key, url in zip(KEYS, urls, strict=True)}
    regions = {bucket: _bucket_region(settings, bucket, key) for bucket, key in buckets.items()}
    if len(set(regions.values())) > 1:
        places = ", ".join(f"{bucket} in {region}" for bucket, region in sorted(regions.items()))
        raise ConfigError(f"{settings.path}: [S3] names buckets in several regions ({places}): COPY reads from one.")
    return next(iter(regions.values()))


def _bucket_region(settings: Settings, bucket: str, key: str) -> str:
    """Ask S3 where a bucket is. The course's is known, for those who cannot ask."""
    client = make_session(settings, settings.cluster_region).client("s3", config=ANONYMOUS)
    region, reason = None, "it does not say"
    try:
        region = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"].get(HEADER)
    except ClientError as error:  # mostly 403 or 301, with the header
        answer = error.response["ResponseMetadata"]
        region = answer["HTTPHeaders"].get(HEADER)
        if answer["HTTPStatusCode"] == 404:
            reason = "there is no such bucket"
    except BotoCoreError as error:
        reason = explain(error).rstrip(".")
    if region:
        return region
    if bucket == COURSE_BUCKET:
        return DEFAULT_REGION
    raise ConfigError(
        f"{settings.path}: [S3] REGION is missing, and S3 cannot be asked for that of {bucket} in {key} ({reason}): "
        "give it a value."
    )
