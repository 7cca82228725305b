"""What the user brings is used, and is never changed nor deleted."""

import json
from typing import Any

import pytest

from infra import cluster_status, create_cluster, destroy_cluster, open_incoming_port
from infra.config import load_settings
from tests.aws.test_cluster_life import EVERY, cut_off_at_every_call, everything, neighbours
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import ServerlessFake

ROLE_ARN = "arn:aws:iam::123456789012:role/theirs"
TRUSTED = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com", "scheduler.redshift.amazonaws.com"]
KEY = "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def bring(moto) -> tuple[str, dict[str, str]]:
    """Make what a company gives its people; the lines of dwh.cfg, and what is in them."""
    statement = {"Effect": "Allow", "Principal": {"Service": TRUSTED}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    moto.iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=trust)
    vpc = moto.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = moto.ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5439, "ToPort": 5439, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    moto.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    subnets = [
        moto.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"us-west-2{zone}")
        for number, zone in enumerate("abc")
    ]
    ids = [each["Subnet"]["SubnetId"] for each in subnets]
    lines = f"DWH_ROLE_ARN={ROLE_ARN}\nDWH_SECURITY_GROUP={group}\nDWH_SUBNET_IDS={', '.join(ids)}\n"
    lines += f"DWH_KMS_KEY={KEY}\nDWH_TAGS=team=data, cost-center=42\nDWH_ENHANCED_VPC_ROUTING=true\n"
    return lines, {"group": group, "subnets": ids, "vpc": vpc}


def theirs(moto) -> dict[str, Any]:
    """All that the company made, to the letter."""
    return {
        "groups": moto.ec2.describe_security_groups()["SecurityGroups"],
        "subnets": moto.ec2.describe_subnets()["Subnets"],
        "role": moto.iam.get_role(RoleName="theirs")["Role"],
        "policies": moto.iam.list_role_policies(RoleName="theirs")["PolicyNames"],
        "attached": moto.iam.list_attached_role_policies(RoleName="theirs")["AttachedPolicies"],
    }


def test_a_life_with_what_the_user_brings(moto, wire, aws_config, capsys):
    """No role and no security group is made or changed, not even by a call that is refused; all is as it was."""
    lines, own = bring(moto)
    neighbours(moto)
    aws_config.write_text(text := config_text(f"{lines}DWH_PAUSE_AT=20:00"))
    before, account = theirs(moto), everything(moto)
    here = ["--config", str(aws_config)]
    for _ in range(2):
        assert create_cluster.main(here) == 0
    assert load_settings(aws_config).role_arn == ROLE_ARN
    (cluster,) = (
        each for each in moto.redshift.describe_clusters()["Clusters"] if each["ClusterIdentifier"] == "dwhcluster"
    )
    assert [each["IamRoleArn"] for each in cluster["IamRoles"]] == [ROLE_ARN]
    assert [each["VpcSecurityGroupId"] for each in cluster["VpcSecurityGroups"]] == [own["group"]]
    (action,) = moto.redshift.describe_scheduled_actions()["ScheduledActions"]
    assert action["IamRole"] == ROLE_ARN
    assert (cluster["EnhancedVpcRouting"], cluster["ClusterSubnetGroupName"]) == (True, "dwhcluster-redshift")
    (subnets,) = moto.redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName="dwhcluster-redshift")[
        "ClusterSubnetGroups"
    ]
    assert [each["SubnetIdentifier"] for each in subnets["Subnets"]] == own["subnets"]
    for tagged in (cluster["Tags"], subnets["Tags"]):
        assert {"Key": "team", "Value": "data"} in tagged and {"Key": "cost-center", "Value": "42"} in tagged
    assert cluster_status.main(here) == 0
    assert "port open to 10.0.0.0/8" in capsys.readouterr().out
    for options in (["--cidr", "203.0.113.7"], ["--close"], ["--close", "--dry-run"]):
        assert open_incoming_port.main([*here, *options]) == 1
        assert f"The security group {own['group']} of [DWH] DWH_SECURITY_GROUP is your own" in capsys.readouterr().err
    assert destroy_cluster.main([*here, "--yes"]) == 0
    assert "Deleted: cluster dwhcluster (available), scheduled action dwhcluster-pause, parameter group" in (
        capsys.readouterr().out
    )
    assert (theirs(moto), everything(moto), aws_config.read_text()) == (before, account, text)
    calls = {each.partition(":")[2] for each in wire.actions if each.startswith(("iam:", "ec2:"))}
    assert {each for each in calls if not each.startswith(("Get", "List", "Describe"))} == set()


def test_the_key_is_asked_for(moto, wire, aws_config):
    """moto keeps no key of a cluster, so the request is looked at."""
    lines, _ = bring(moto)
    asked = {}
    wire.fakes["redshift"] = lambda name, params: asked.update({name: dict(params)})
    aws_config.write_text(config_text(lines))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert asked["CreateCluster"]["KmsKeyId"] == KEY and asked["CreateCluster"]["Encrypted"] is True


def test_a_serverless_life_with_what_the_user_brings(moto, wire, aws_config, capsys):
    lines, own = bring(moto)
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(text := config_text(f"{lines}DWH_CLUSTER_TYPE=serverless"))
    before, account = theirs(moto), everything(moto)
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    namespace, workgroup = (thing["asked"] for thing in fake.things.values())
    assert (namespace["iamRoles"], namespace["kmsKeyId"]) == ([ROLE_ARN], KEY)
    assert (workgroup["subnetIds"], workgroup["securityGroupIds"]) == (own["subnets"], [own["group"]])
    assert workgroup["enhancedVpcRouting"] is True
    for thing in (namespace, workgroup):
        assert {"key": "cost-center", "value": "42"} in thing["tags"]
    assert destroy_cluster.main([*here, "--yes"]) == 0
    assert (fake.things, theirs(moto), everything(moto), aws_config.read_text()) == ({}, before, account, text)


def test_subnets_say_where_our_own_group_is(moto, aws_config):
    """Without a default VPC, and with subnets of another one: the security group is made there."""
    _, own = bring(moto)
    for vpc in moto.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]:
        for subnet in moto.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]:
            moto.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        moto.ec2.delete_vpc(VpcId=vpc["VpcId"])
    aws_config.write_text(config_text(f"DWH_SUBNET_IDS={own['subnets'][0]}"))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    (group,) = moto.ec2.describe_security_groups(GroupNames=["dwhcluster-redshift"])["SecurityGroups"]
    assert group["VpcId"] == own["vpc"]


@EVERY
def test_cut_off_at_every_call_with_subnets(moto, wire, aws_config, capsys, every):
    """The subnet group, too, is found by a rerun, or by destroy."""
    _, own = bring(moto)
    aws_config.write_text(text := config_text(f"DWH_SUBNET_IDS={','.join(own['subnets'])}\nDWH_PAUSE_AT=20:00"))
    before = everything(moto)
    life = ((create_cluster.main, [], 0), (destroy_cluster.main, ["--yes"], 0))
    assert cut_off_at_every_call(wire, aws_config, life, every) > 15
    assert (everything(moto), aws_config.read_text()) == (before, text)
    assert moto.redshift.describe_cluster_subnet_groups()["ClusterSubnetGroups"] == []
    assert moto.redshift.describe_scheduled_actions()["ScheduledActions"] == []


def test_permissions_boundary(moto, aws_config):
    """Both roles that the scripts make have it."""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = moto.iam.create_policy(PolicyName="limit", PolicyDocument=document)["Policy"]["Arn"]
    aws_config.write_text(config_text(f"DWH_PERMISSIONS_BOUNDARY={arn}\nDWH_PAUSE_AT=20:00"))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    for name in ("dwhRole", "dwhRole-pause"):
        role = moto.iam.get_role(RoleName=name)["Role"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn


def test_anothers_subnet_group_is_left_alone(moto, aws_config, capsys):
    _, own = bring(moto)
    moto.redshift.create_cluster_subnet_group(
        ClusterSubnetGroupName="dwhcluster-redshift", Description="x", SubnetIds=own["subnets"]
    )
    aws_config.write_text(config_text(f"DWH_SUBNET_IDS={own['subnets'][0]}"))
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "subnet group dwhcluster-redshift was not made by these scripts" in capsys.readouterr().err
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert len(moto.redshift.describe_cluster_subnet_groups()["ClusterSubnetGroups"]) == 1


def test_subnets_that_do_not_fit(moto, aws_config, capsys):
    """Of two VPCs, or not there: said before anything of the cluster is made."""
    _, own = bring(moto)
    elsewhere = next(each for each in moto.ec2.describe_subnets()["Subnets"] if each["VpcId"] != own["vpc"])["SubnetId"]
    for subnets, said in (
        (f"{own['subnets'][0]}, {elsewhere}", "the subnets are of 2 VPCs: name those of one"),
        ("subnet-00000000", "there is no subnet-00000000 in us-west-2"),
    ):
        aws_config.write_text(config_text(f"DWH_SUBNET_IDS={subnets}"))
        assert create_cluster.main(["--config", str(aws_config)]) == 1
        assert said in capsys.readouterr().err
    assert everything(moto)["clusters"] == []


@pytest.mark.parametrize(("count", "more", "least"), [(1, "", 2), (2, "DWH_ENHANCED_VPC_ROUTING=true", 3)])
def test_serverless_needs_several_zones(moto, wire, aws_config, capsys, count, more, least):
    _, own = bring(moto)
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    subnets = " ".join(own["subnets"][:count])
    aws_config.write_text(config_text(f"DWH_CLUSTER_TYPE=serverless\nDWH_SUBNET_IDS={subnets}\n{more}"))
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert f"serverless needs {least} availability zones: name a subnet in each" in capsys.readouterr().err
    assert fake.things == {}


@pytest.mark.parametrize(
    ("dwh", "said"),
    [
        ("DWH_ROLE_ARN=theirs", "DWH_ROLE_ARN is 'theirs': it must look like arn:aws:iam::"),
        ("DWH_PERMISSIONS_BOUNDARY=x", "DWH_PERMISSIONS_BOUNDARY is 'x'"),
        ("DWH_SECURITY_GROUP=default", "DWH_SECURITY_GROUP is 'default': it must look like sg-"),
        ("DWH_KMS_KEY=alias/x", "DWH_KMS_KEY is 'alias/x': it must look like arn:aws:kms:"),
        ("DWH_SUBNET_IDS=subnet-12345678 vpc-1", "DWH_SUBNET_IDS has 'vpc-1'"),
        ("DWH_SUBNET_IDS=subnet-12345678\nDWH_SUBNET_GROUP=x", "DWH_SUBNET_IDS and DWH_SUBNET_GROUP both name subnets"),
        ("DWH_TAGS=team", "DWH_TAGS has 'team': write key=value"),
        ("DWH_TAGS=project=mine", "DWH_TAGS has 'project', which these scripts or AWS set"),
        ("DWH_TAGS=Project=mine", "DWH_TAGS has 'Project', which these scripts or AWS set"),
        ("DWH_TAGS=aws:x=mine", "DWH_TAGS has 'aws:x'"),
        ("DWH_TAGS=team=a, Team=b", "DWH_TAGS has 'Team' twice: AWS takes each key once"),
        (f"DWH_TAGS={','.join(f'k{n}=v' for n in range(46))}", "DWH_TAGS has 46 tags: AWS takes 45 besides"),
        ("DWH_ENHANCED_VPC_ROUTING=on", "DWH_ENHANCED_VPC_ROUTING is 'on': write true or false"),
    ],
)
def test_wrong_values_name_their_key(aws_config, capsys, dwh, said):
    aws_config.write_text(config_text(dwh))
    assert create_cluster.main(["--config", str(aws_config), "--dry-run"]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and said in printed
