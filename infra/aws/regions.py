"""A look into every region of the account for what carries the project's tag: a bill has them all."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from infra.aws.client_errors import explain
from infra.aws.cluster import Cluster
from infra.aws.provisioned import Provisioned
from infra.aws.serverless import Serverless

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

AT_ONCE = 8
# A region that does not answer soon is named, not waited for.
QUICK = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})


def list_enabled(ec2: "EC2Client") -> list[str]:
    """List the regions that the account has enabled."""
    return sorted(region["RegionName"] for region in ec2.describe_regions()["Regions"])


def leftovers(session: boto3.Session, regions: list[str], name: str) -> tuple[list[str], dict[str, str]]:
    """Look into each region at both kinds.

    Returns what is left there, and the regions that could not be looked at, each with the reason.
    """
    clusters: list[Cluster] = []
    for region in regions:  # boto3 makes clients in one thread only
        clusters += [Provisioned(session, name, region, QUICK), Serverless(session, name, region, QUICK)]
    left: list[str] = []
    unseen: dict[str, str] = {}

    def look(cluster: Cluster) -> list[str]:
        """List what is left of one kind in one region."""
        return [f"in {cluster.region}: {each}" for each in cluster.leftovers()]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for cluster, future in [(cluster, pool.submit(look, cluster)) for cluster in clusters]:
            try:
                left += future.result()
            except EndpointConnectionError as error:
                if cluster.kind == "cluster":  # where Redshift is reached, serverless is not offered
                    unseen[cluster.region] = explain(error)
            except (BotoCoreError, ClientError) as error:
                unseen[cluster.region] = explain(error)
    return left, unseen
