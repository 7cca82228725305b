"""A cluster in another region or account than dwh.cfg and the keys lead to is neither looked past nor forgotten."""

import re
from pathlib import Path

import pytest

from infra import cluster_status, create_cluster, destroy_cluster, open_incoming_port
from infra.aws import tags
from infra.aws.context import make_context
from infra.aws.endpoint import parse_endpoint
from infra.config import load_settings
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import ServerlessFake

SCRIPTS = {
    create_cluster.main: [],
    cluster_status.main: [],
    open_incoming_port.main: ["--cidr", "203.0.113.7"],
    destroy_cluster.main: ["--yes"],
}
CALLER = {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/x", "UserId": "x"}


def add_to_dwh(path: Path, line: str) -> None:
    """Add a line to [DWH], the last section."""
    path.write_text(path.read_text() + line + "\n")


@pytest.mark.parametrize("dwh", ["", "DWH_CLUSTER_TYPE=serverless"])
def test_a_cluster_in_another_region(moto, wire, aws_config, capsys, dwh):
    """The region was changed after the cluster was made: every script stops, and nothing is deleted or forgotten."""
    wire.fakes["redshift-serverless"] = fake = ServerlessFake(looks=0)
    aws_config.write_text(config_text(dwh))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    made = aws_config.read_text()
    add_to_dwh(aws_config, "DWH_REGION=us-east-1")
    for main, options in SCRIPTS.items():
        assert main(["--config", str(aws_config), *options]) == 2
        said = capsys.readouterr().err
        assert "HOST names the cluster dwhcluster in us-west-2, but the region asked for is us-east-1" in said
        assert "set [DWH] DWH_REGION=us-west-2" in said
    assert aws_config.read_text() == made + "DWH_REGION=us-east-1\n"
    assert moto.iam.get_role(RoleName="dwhRole")
    aws_config.write_text(made)
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert (fake.things, moto.redshift.describe_clusters()["Clusters"]) == ({}, [])
    assert load_settings(aws_config).host == ""


@pytest.mark.parametrize("dwh", ["", "DWH_CLUSTER_TYPE=serverless"])
def test_keys_of_another_account(moto, wire, aws_config, capsys, dwh):
    """The keys were changed after the cluster was made: it is not said to be gone, and stays in dwh.cfg."""
    wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(dwh))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    made = aws_config.read_text()
    empty = ServerlessFake()
    nothing = {"DescribeClusters": {"Clusters": []}}
    wire.fakes |= {"sts": lambda *_: dict(CALLER), "redshift-serverless": empty}
    wire.fakes["redshift"] = lambda name, params: dict(nothing[name]) if name in nothing and not params else None
    wire.actions.clear()
    for main in (create_cluster.main, destroy_cluster.main):
        assert main(["--config", str(aws_config)]) == 2
        said = capsys.readouterr().err
        assert "is of the account 123456789012, but your AWS keys are of 999999999999" in said
    assert not [action for action in wire.actions if re.search("Delete|Create|Put", action)]
    assert aws_config.read_text() == made


def test_status_says_that_the_keys_are_of_another_account(moto, wire, aws_config, capsys):
    """Where nothing is found, the reason may be the keys."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    moto.redshift.delete_cluster(ClusterIdentifier="dwhcluster", SkipFinalClusterSnapshot=True)
    assert cluster_status.main(["--config", str(aws_config)]) == 3
    wire.fakes["sts"] = lambda *_: dict(CALLER)
    assert cluster_status.main(["--config", str(aws_config)]) == 2
    assert "your AWS keys are of 999999999999" in capsys.readouterr().err


def test_a_role_that_was_not_deleted_is_not_forgotten(moto, aws_config, capsys):
    """ARN names somebody else's role of that name: it is left alone, and stays in dwh.cfg."""
    moto.iam.create_role(RoleName="dwhRole", AssumeRolePolicyDocument="{}")
    arn = "arn:aws:iam::123456789012:role/dwhRole"
    aws_config.write_text(aws_config.read_text().replace("ARN=", f"ARN={arn}"))
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert "dwhRole was not made by these scripts for dwhcluster in us-west-2" in capsys.readouterr().out
    assert load_settings(aws_config).role_arn == arn


def test_two_clusters_of_one_name_in_two_regions_share_no_role(moto, aws_config, capsys):
    """By default each has its own; a role that both are to use by name is refused."""
    aws_config.write_text(config_text().replace("DWH_IAM_ROLE_NAME = dwhRole\n", ""))
    names = []
    for region in ("us-west-2", "us-east-1"):
        add_to_dwh(aws_config, f"DWH_REGION={region}")
        names.append(make_context(aws_config).spec.role)
        aws_config.write_text(config_text().replace("DWH_IAM_ROLE_NAME = dwhRole\n", ""))
    assert names == ["dwhcluster-redshift-us-west-2", "dwhcluster-redshift-us-east-1"]
    moto.iam.create_role(
        RoleName="dwhRole", AssumeRolePolicyDocument="{}", Tags=tags.of_role("dwhcluster", "us-east-1")
    )
    aws_config.write_text(config_text())
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "dwhRole was not made by these scripts for dwhcluster in us-west-2" in capsys.readouterr().err
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert moto.iam.get_role(RoleName="dwhRole")


def test_one_role_serves_both_kinds(moto, wire, aws_config, capsys):
    """Making the other kind of the same name changes nothing in who may assume the role."""
    wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    trusts = []
    for dwh in ("DWH_CLUSTER_TYPE=serverless", "", "DWH_CLUSTER_TYPE=serverless"):
        aws_config.write_text(config_text(dwh))
        assert create_cluster.main(["--config", str(aws_config)]) == 0
        trusts.append(moto.iam.get_role(RoleName="dwhRole")["Role"]["AssumeRolePolicyDocument"])
    assert trusts[0] == trusts[1] == trusts[2]
    assert trusts[0]["Statement"][0]["Principal"]["Service"] == [
        "redshift.amazonaws.com",
        "redshift-serverless.amazonaws.com",
    ]


def test_a_role_whose_trust_was_changed_is_not_used(moto, aws_config, capsys):
    moto.iam.create_role(
        RoleName="dwhRole", AssumeRolePolicyDocument="{}", Tags=tags.of_role("dwhcluster", "us-west-2")
    )
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "Somebody has changed who may assume the role dwhRole" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("x.abc1.us-west-2.redshift.amazonaws.com", ("x", "us-west-2", "", False)),
        ("x.abc1.cn-north-1.redshift.amazonaws.com.cn", ("x", "cn-north-1", "", False)),
        (
            "x-y.123456789012.eu-west-1.redshift-serverless.amazonaws.com",
            ("x-y", "eu-west-1", "123456789012", True),
        ),
        ("x.abc1.eusc-de-east-1.redshift.amazonaws.eu", ("x", "eusc-de-east-1", "", False)),
        ("localhost", None),
        ("x.abc1.us-west-2.rds.amazonaws.com", None),
    ],
)
def test_endpoints(host, expected):
    endpoint = parse_endpoint(host)
    assert (endpoint and (endpoint.name, endpoint.region, endpoint.account, endpoint.serverless)) == expected
