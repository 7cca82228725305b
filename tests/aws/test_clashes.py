"""What stands in the way is found before anything is made, all of it at once; a dry run finds it, too."""

import json

import pytest

from infra import create_cluster
from tests.aws.test_cluster_life import everything
from tests.aws.test_own_resources import bring
from tests.fixtures.aws import config_text, pause_another_cluster
from tests.fixtures.serverless_fake import ServerlessFake, error

SERVERLESS = "DWH_CLUSTER_TYPE=serverless"
ACCOUNT = "arn:aws:iam::123456789012"


def no_clash(_):
    """Make nothing."""
    return ""


def role_of_another(moto) -> str:
    """Make a role of the name that is wanted, without the tags."""
    moto.iam.create_role(RoleName="dwhRole", AssumeRolePolicyDocument="{}")
    return ""


def pause_role_of_another(moto) -> str:
    """Make the role of the pause, without the tags."""
    moto.iam.create_role(RoleName="dwhRole-pause", AssumeRolePolicyDocument="{}")
    return "DWH_PAUSE_AT=20:00"


def action_of_another(moto) -> str:
    """Make the scheduled action of that name for another cluster."""
    pause_another_cluster(moto)
    return "DWH_PAUSE_AT=20:00"


def own_role_without_trust(moto) -> str:
    """Bring a role that trusts nobody."""
    moto.iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    return f"DWH_ROLE_ARN={ACCOUNT}:role/theirs"


def own_role_without_the_scheduler(moto) -> str:
    """Bring a role that trusts Redshift, but not its scheduler."""
    trust = {"Statement": [{"Principal": {"Service": "redshift.amazonaws.com"}}]}
    moto.iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(trust))
    return f"DWH_ROLE_ARN={ACCOUNT}:role/theirs\nDWH_PAUSE_AT=20:00"


def group_of_another(moto) -> str:
    """Make the security group, without the tags."""
    vpc = moto.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    moto.ec2.create_security_group(GroupName="dwhcluster-redshift", Description="x", VpcId=vpc)
    return ""


def own_group_of_another_vpc(moto) -> str:
    """Bring a security group that is not in the default VPC."""
    _, own = bring(moto)
    return f"DWH_SECURITY_GROUP={own['group']}"


def subnet_group_of_another(moto) -> str:
    """Make the subnet group, without the tags."""
    _, own = bring(moto)
    moto.redshift.create_cluster_subnet_group(
        ClusterSubnetGroupName="dwhcluster-redshift", Description="x", SubnetIds=own["subnets"]
    )
    return f"DWH_SUBNET_IDS={own['subnets'][0]}"


def parameter_group_of_another(moto) -> str:
    """Make the parameter group, without the tags."""
    moto.redshift.create_cluster_parameter_group(
        ParameterGroupName="dwhcluster-redshift", ParameterGroupFamily="redshift-2.0", Description="x"
    )
    return ""


def no_default_vpc(moto) -> str:
    """Delete the default VPC."""
    for subnet in moto.ec2.describe_subnets()["Subnets"]:
        moto.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for vpc in moto.ec2.describe_vpcs()["Vpcs"]:
        moto.ec2.delete_vpc(VpcId=vpc["VpcId"])
    return ""


def default_vpc_in_one_zone(moto) -> str:
    """Leave the default VPC one subnet."""
    for subnet in moto.ec2.describe_subnets()["Subnets"][1:]:
        moto.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    return SERVERLESS


def cluster_of_another(moto) -> str:
    """Make the cluster, without the tags."""
    moto.redshift.create_cluster(
        ClusterIdentifier="dwhcluster", NodeType="ra3.large", MasterUsername="x", MasterUserPassword="Passw0rdX"
    )
    return ""


def cluster_of_a_stack(moto) -> str:
    """Make the cluster with the tag of a CloudFormation stack."""
    own = {"project": "sparkify-dwh", "cluster": "dwhcluster", "aws:cloudformation:stack-name": "sparkify"}
    moto.redshift.create_cluster(
        ClusterIdentifier="dwhcluster",
        NodeType="ra3.large",
        MasterUsername="x",
        MasterUserPassword="Passw0rdX",
        Tags=[{"Key": key, "Value": value} for key, value in own.items()],
    )
    return ""


CLASHES = {
    role_of_another: "The role dwhRole was not made by these scripts for dwhcluster in us-west-2",
    pause_role_of_another: "The role dwhRole-pause was not made by these scripts for dwhcluster in us-west-2",
    action_of_another: "The scheduled action dwhcluster-pause does not pause dwhcluster",
    own_role_without_trust: "does not trust redshift.amazonaws.com: add that to its trust policy",
    own_role_without_the_scheduler: "does not trust scheduler.redshift.amazonaws.com: add that",
    group_of_another: "The security group dwhcluster-redshift was not made by these scripts",
    own_group_of_another_vpc: "[DWH] DWH_SECURITY_GROUP: sg-",
    subnet_group_of_another: "The subnet group dwhcluster-redshift was not made by these scripts",
    parameter_group_of_another: "The parameter group dwhcluster-redshift was not made by these scripts",
    no_default_vpc: "There is no default VPC in us-west-2",
    default_vpc_in_one_zone: "the subnets are in us-west-2a; serverless needs 2 availability zones",
    cluster_of_another: "There is a cluster dwhcluster that these scripts did not make",
    cluster_of_a_stack: "The cluster dwhcluster is of the CloudFormation stack sparkify: deploy the template again",
}
VALUES = {
    "DWH_NODE_TYPE=ra9.large": "AWS offers no ra9.large in us-west-2, only ra3.16xlarge, ra3.4xlarge, ra3.large",
    f"DWH_ROLE_ARN={ACCOUNT}:role/no-such": f"DWH_ROLE_ARN: there is no role {ACCOUNT}:role/no-such",
    "DWH_ROLE_ARN=arn:aws:iam::999999999999:role/x": "is not of the account 123456789012, whose cluster",
    f"DWH_PERMISSIONS_BOUNDARY={ACCOUNT}:policy/x": f"DWH_PERMISSIONS_BOUNDARY: there is no policy {ACCOUNT}:policy/x",
    "DWH_SECURITY_GROUP=sg-0123456789": "DWH_SECURITY_GROUP: there is no sg-0123456789 in us-west-2",
    "DWH_SUBNET_IDS=subnet-00000000": "DWH_SUBNET_IDS: there is no subnet-00000000 in us-west-2",
    "DWH_SUBNET_GROUP=x": "DWH_SUBNET_GROUP: there is no x in us-west-2",
    f"{SERVERLESS}\nDWH_REGION=eu-central-1\nDWH_BASE_RPU=4": "AWS has no workgroups of 4 RPU in eu-central-1: write 8",
}


@pytest.mark.parametrize(("made", "dwh", "said"), [
    *((made, "", said) for made, said in CLASHES.items()), *((no_clash, dwh, said) for dwh, said in VALUES.items())
])  # fmt: skip
def test_each_is_found_and_nothing_is_made(moto, wire, aws_config, capsys, made, dwh, said):
    wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(text := config_text(f"{made(moto)}{dwh}"))
    before = everything(moto)
    for options in (["--dry-run"], []):
        assert create_cluster.main(["--config", str(aws_config), *options]) == 1
        printed = capsys.readouterr().err
        assert said in printed and printed.count("\n") == 1
    assert not [
        each for each in wire.actions if each.partition(":")[2].startswith(("Create", "Put", "Modify", "Attach"))
    ]
    assert (everything(moto), aws_config.read_text()) == (before, text)


def test_all_are_found_at_once(moto, wire, aws_config, capsys):
    for made in (role_of_another, group_of_another, parameter_group_of_another):
        made(moto)
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    aws_config.write_text(config_text(f"DWH_KMS_KEY={key}\nDWH_NODE_TYPE=ra9.large", password="short"))
    for options in (["--dry-run"], []):
        assert create_cluster.main(["--config", str(aws_config), *options]) == 1
        lines = capsys.readouterr().err.splitlines()
        assert lines[0] == "create_cluster: Nothing was made, for 6 reasons:"
        said = ("DB_PASSWORD", "The role", "The security", "The parameter", "DWH_NODE_TYPE", "DWH_KMS_KEY")
        assert [word in line for word, line in zip(said, lines[1:], strict=True)] == [True] * 6
    assert "iam:CreateRole" not in wire.actions


def test_faults_of_dwh_cfg_alone_exit_as_such(moto, aws_config, capsys):
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    aws_config.write_text(config_text(f"DWH_KMS_KEY={key}", password="short"))
    assert create_cluster.main(["--config", str(aws_config), "--dry-run"]) == 2
    assert "Nothing was made, for 2 reasons:" in capsys.readouterr().err


def test_one_kind_of_cluster_only(moto, wire, aws_config, capsys):
    """A type that these scripts do not know, of which AWS makes no single node."""
    options = [{"NodeType": "ra9.large", "ClusterType": "multi-node"}]
    wire.fakes["redshift"] = lambda name, params: (
        {"OrderableClusterOptions": options} if name == "DescribeOrderableClusterOptions" else None
    )
    aws_config.write_text(config_text("DWH_NODE_TYPE=ra9.large"))
    assert create_cluster.main(["--config", str(aws_config), "--dry-run"]) == 1
    assert "DWH_CLUSTER_TYPE: AWS offers ra9.large in us-west-2 only as multi-node" in capsys.readouterr().err


def test_what_the_caller_may_not_ask_stops_nobody(moto, wire, aws_config, capsys):
    """A policy of before, which lacks a question: it is said, and the cluster is made."""
    refuse = "DescribeOrderableClusterOptions"
    wire.fakes["redshift"] = lambda name, params: error("AccessDenied", "not authorized") if name == refuse else None
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    printed = capsys.readouterr().out
    assert f"Not checked: AWS does not allow you {refuse}" in printed and "Available at dwhcluster." in printed


def test_what_is_there_is_not_asked_for_its_size(moto, wire, aws_config):
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    wire.actions.clear()
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert "redshift:DescribeOrderableClusterOptions" not in wire.actions
