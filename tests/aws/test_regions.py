"""destroy looks into every region that the account has enabled, and says where it may not look."""

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra import create_cluster, destroy_cluster
from infra.aws import provisioned, serverless, tags
from tests.fixtures.aws import config_text, script
from tests.fixtures.serverless_fake import error

CLUSTER = {"NodeType": "ra3.large", "MasterUsername": "x", "MasterUserPassword": "Passw0rdX"}


def plain(moto, service: str, region: str):
    """A client to look and to make things with."""
    return boto3.Session("AKIAPLAIN", "plain", region_name=region).client(service, endpoint_url=moto.url)


def test_what_is_elsewhere_is_listed(moto, aws_config, capsys):
    """A cluster, a workgroup and a snapshot that nobody destroyed, each with the region and the way to remove it."""
    far = plain(moto, "redshift", "eu-west-1")
    far.create_cluster(ClusterIdentifier="old", Tags=tags.as_list("old"), **CLUSTER)
    far.create_cluster(ClusterIdentifier="dwhcluster", **CLUSTER)
    last = {"SkipFinalClusterSnapshot": False, "FinalClusterSnapshotIdentifier": "kept"}
    far.delete_cluster(ClusterIdentifier="dwhcluster", **last)
    far.create_cluster(ClusterIdentifier="others", Tags=[{"Key": "project", "Value": "x"}], **CLUSTER)
    pairs = [{"key": key, "value": value} for key, value in tags.as_dict("work").items()]
    plain(moto, "redshift-serverless", "us-east-1").create_namespace(namespaceName="work", iamRoles=[], tags=pairs)
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    printed = capsys.readouterr().out
    assert printed[printed.index("Nothing that") :] == (
        "Nothing that costs money is left of dwhcluster in account 123456789012, us-west-2.\n"
        "Left in other regions, and costing money:\n"
        "  in eu-west-1: cluster old (available): set [DWH] DWH_REGION=eu-west-1, DWH_CLUSTER_IDENTIFIER=old and "
        f"DWH_CLUSTER_TYPE=single-node, and run destroy_cluster.py --config {aws_config} again\n"
        "  in eu-west-1: snapshot kept of dwhcluster, billed for its storage: run `aws redshift "
        "delete-cluster-snapshot --region eu-west-1 --snapshot-identifier kept`\n"
        "  in us-east-1: namespace work (creating): set [DWH] DWH_REGION=us-east-1, DWH_CLUSTER_IDENTIFIER=work and "
        f"DWH_CLUSTER_TYPE=serverless, and run destroy_cluster.py --config {aws_config} again\n"
    )


def test_as_a_user_runs_it(moto, aws_config, tmp_path):
    end = script("destroy_cluster", "--yes", "--config", aws_config, cwd=tmp_path)
    assert end.returncode == 0, end.stderr
    assert end.stdout.endswith("Nor is there anything in 2 other regions of the account.\n")


@pytest.mark.parametrize("kind", [provisioned.Provisioned, serverless.Serverless])
def test_a_region_that_is_barred_is_named(moto, aws_config, capsys, monkeypatch, kind):
    """By an organisation's policy, say: the other regions are looked at all the same."""
    leftovers = kind.leftovers

    def barred(self):
        """Refuse one region."""
        if self.region == "eu-west-1":
            raise ClientError(error("AccessDenied", "explicit deny in a service control policy"), "DescribeClusters")
        return leftovers(self)

    monkeypatch.setattr(kind, "leftovers", barred)
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    printed = capsys.readouterr().out
    assert "Nor is there anything in 1 other regions" in printed
    assert "eu-west-1 was not looked at: AWS does not allow you DescribeClusters" in printed


def test_a_region_without_serverless_has_none(moto, aws_config, capsys, monkeypatch):
    """No endpoint there: nothing can be left, and nothing is said."""
    leftovers = serverless.Serverless.leftovers

    def missing(self):
        """Find no endpoint in one region."""
        if self.region == "eu-west-1":
            raise EndpointConnectionError(endpoint_url="https://redshift-serverless.eu-west-1.amazonaws.com")
        return leftovers(self)

    monkeypatch.setattr(serverless.Serverless, "leftovers", missing)
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert capsys.readouterr().out.endswith("Nor is there anything in 2 other regions of the account.\n")


def test_whoever_may_not_list_the_regions(moto, wire, aws_config, capsys):
    """It is said, and nothing else is lost by it."""
    wire.fakes["ec2"] = lambda name, _: error("UnauthorizedOperation") if name == "DescribeRegions" else None
    aws_config.write_text(config_text())
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert "The other regions were not looked at: AWS does not allow you DescribeRegions" in capsys.readouterr().out
