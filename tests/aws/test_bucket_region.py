"""The REGION of COPY is the bucket's: dwh.cfg's, else S3's answer, else the course's."""

from dataclasses import replace

import boto3
import pytest

from infra.config import load_settings
from infra.errors import ConfigError
from infra.warehouse import source_region
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import error


def settings(path, bucket: str = "udacity-dend", more: str = ""):
    """The settings of a dwh.cfg with the cluster in us-east-1, and its data in this bucket."""
    text = config_text("DWH_REGION=us-east-1").replace("udacity-dend", bucket)
    path.write_text(text.replace("[AWS]", f"{more}\n[AWS]"))
    return load_settings(path)


def says(status: int, region: str = ""):
    """S3's answer to HeadBucket: a refusal with this status, and the bucket's region if it says it."""

    def answer(name, params):
        """Refuse."""
        answer = error(str(status))
        headers = {"x-amz-bucket-region": region} if region else {}
        answer["ResponseMetadata"] = {"HTTPStatusCode": status, "HTTPHeaders": headers}
        return answer

    return answer


def test_s3_is_asked(moto, aws_config):
    """The cluster's region is another; no keys are needed."""
    s3 = boto3.Session("x", "x", region_name="eu-west-1").client("s3", endpoint_url=moto.url)
    s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert source_region(settings(aws_config, "far")) == "eu-west-1"
    assert source_region(settings(aws_config, "far", "REGION=us-west-1")) == "us-west-1"


@pytest.mark.parametrize("status", [301, 403])
def test_s3_says_it_to_those_who_may_not_read_the_bucket(wire, aws_config, status):
    wire.fakes["s3"] = says(status, "ap-south-1")
    assert source_region(settings(aws_config, "closed")) == "ap-south-1"


def test_the_course_s_bucket_is_known(wire, aws_config):
    """Also where S3 does not say, or cannot be reached."""
    wire.fakes["s3"] = says(403)
    assert source_region(settings(aws_config)) == "us-west-2"


@pytest.mark.parametrize(("status", "reason"), [(403, "it does not say"), (404, "there is no such bucket")])
def test_another_bucket_of_which_s3_does_not_say_it(wire, aws_config, status, reason):
    wire.fakes["s3"] = says(status)
    with pytest.raises(ConfigError, match=rf"\[S3\] REGION is missing, .* of mine in LOG_JSONPATH \({reason}\)"):
        source_region(settings(aws_config, "mine"))


def test_s3_that_cannot_be_reached(aws_config, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    assert source_region(settings(aws_config)) == "us-west-2"
    with pytest.raises(ConfigError, match=r"REGION is missing, .*Could not connect"):
        source_region(settings(aws_config, "mine"))


def test_buckets_in_two_regions(wire, aws_config):
    """COPY takes one REGION, so it is said before it fails."""
    there = replace(settings(aws_config), song_data="s3://far/songs/")
    wire.fakes["s3"] = lambda name, params: says(403, {"far": "eu-west-1"}.get(params["Bucket"], "us-west-2"))(name, 0)
    with pytest.raises(ConfigError, match="several regions .far in eu-west-1, udacity-dend in us-west-2."):
        source_region(there)


def test_local_data_need_no_region(tmp_path):
    """Nothing is asked of anybody."""
    path = tmp_path / "dwh.cfg"
    path.write_text("[DWH]\nDWH_REGION=us-east-1\n")
    assert source_region(load_settings(path)) == "us-west-2"
    path.write_text("[S3]\nLOG_DATA=logs\nSONG_DATA=songs\nLOG_JSONPATH=paths.json\n")
    assert source_region(load_settings(path)) == "us-west-2"
