"""The template of --print-cloudformation: linted, built on the simulated AWS, held against the script's requests."""

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.rules import Match
from cfnlint.runner import Runner
from hypothesis import given
from hypothesis import strategies as st

from infra import create_cluster, destroy_cluster
from infra.aws import cloudformation
from infra.aws.cluster_spec import ClusterSpec, read_cluster_spec
from infra.config import load_settings
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import MARKED, ServerlessFake

pytestmark = pytest.mark.long

GUARDS = "DWH_PAUSE_AT=20:30\nDWH_BUDGET_MAIL=me@example.org\nDWH_BUDGET_DOLLARS=30"
OWN = (
    "DWH_ROLE_ARN=arn:aws:iam::123456789012:role/theirs\nDWH_SECURITY_GROUP=sg-12345678\n"
    "DWH_KMS_KEY=arn:aws:kms:us-west-2:123456789012:key/1234abcd\nDWH_TAGS=team=data\nDWH_ENHANCED_VPC_ROUTING=true"
)
BOUNDARY = "DWH_PERMISSIONS_BOUNDARY=arn:aws:iam::123456789012:policy/limit"
SUBNETS = "DWH_SUBNET_IDS=subnet-12345678,subnet-12345679"
SERVERLESS = "DWH_CLUSTER_TYPE=serverless\nDWH_BASE_RPU=8"
VARIANTS = {
    "plain": "",
    "multi-node": "DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=3\nDWH_PUBLICLY_ACCESSIBLE=false",
    "guards": f"{GUARDS}\n{BOUNDARY}",
    "own": f"{OWN}\n{GUARDS}",
    "subnets": SUBNETS,
    "serverless": SERVERLESS,
    "serverless own": f"{SERVERLESS}\n{SUBNETS}\n{OWN}\n{GUARDS}",
}


def spec_of(path: Path, dwh: str) -> ClusterSpec:
    """The spec of a dwh.cfg with these lines in [DWH]."""
    path.write_text(config_text(dwh))
    return read_cluster_spec(load_settings(path))


@cache
def linter() -> Runner:
    """cfn-lint with its rules, which take longer to read than to apply."""
    return Runner(ConfigMixIn(regions=["us-west-2"]))


def find_faults(template: dict[str, Any]) -> list[Match]:
    """What cfn-lint says of a template."""
    decoded, faults = decode_str(json.dumps(template))
    return faults or list(linter().validate_template(decoded))


@pytest.mark.parametrize("managed", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_cfn_lint_accepts_it(aws_config, variant, managed):
    spec = spec_of(aws_config, VARIANTS[variant])
    template = cloudformation.template(spec, managed_policy=managed, manage_password=managed)
    assert [str(match) for match in find_faults(template)] == []
    assert ("Password" in template.get("Parameters", {})) is not managed


def test_cfn_lint_finds_faults():
    """The linter would notice: a property that there is not, and a reference to nothing."""
    cluster = {"Type": "AWS::Redshift::Cluster", "Properties": {"Colour": "red", "NodeType": {"Ref": "Nothing"}}}
    found = {match.rule.id for match in find_faults({"Resources": {"Cluster": cluster}})}
    assert {"E3002", "E3003"} & found and "E1020" in found


def test_no_secret_is_in_it(aws_config, capsys):
    """The password of dwh.cfg is not; its parameter is not shown, and it has no default."""
    aws_config.write_text(config_text(GUARDS))
    assert create_cluster.main(["--config", str(aws_config), "--print-cloudformation"]) == 0
    printed = capsys.readouterr().out
    assert not [secret for secret in MARKED.values() if secret in printed]
    assert json.loads(printed)["Parameters"]["Password"] == {
        "Type": "String",
        "NoEcho": True,
        "MinLength": 8,
        "MaxLength": 64,
        "Description": "The password of the database user dwhuser; it is not shown",
    }


def test_printing_it_asks_nothing_of_aws(wire, aws_config, capsys):
    assert create_cluster.main(["--config", str(aws_config), "--print-cloudformation"]) == 0
    assert wire.actions == []


def resolve(value: Any, known: dict[str, Any]) -> Any:
    """A value of a template with its references filled in, as CloudFormation does it."""
    if isinstance(value, dict):
        if "Ref" in value:
            return known[value["Ref"]]
        if "Fn::GetAtt" in value:
            return known[".".join(value["Fn::GetAtt"])]
        if "Fn::Sub" in value:
            text = value["Fn::Sub"]
            for name, filled in known.items():
                text = text.replace(f"${{{name}}}", str(filled))
            return text.replace("${!", "${")
        return {key: resolve(each, known) for key, each in value.items()}
    return [resolve(each, known) for each in value] if isinstance(value, list) else value


def lower(value: Any) -> Any:
    """Keys as Redshift Serverless writes them."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lower(each) for key, each in value.items()}
    return [lower(each) for each in value] if isinstance(value, list) else value


KNOWN = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-west-2",
    "Role.Arn": "arn:aws:iam::123456789012:role/dwhRole",
    "PauseRole.Arn": "arn:aws:iam::123456789012:role/dwhRole-pause",
    "ParameterGroup": "dwhcluster-redshift",
    "SubnetGroup": "dwhcluster-redshift",
    "Password": MARKED["PASSWORD"],
}


def made(wire, aws_config: Path) -> dict[str, list[dict[str, Any]]]:
    """What create_cluster.py asks AWS to make, by operation."""
    asked: dict[str, list[dict[str, Any]]] = {}
    fake = ServerlessFake(looks=0)

    def spy(operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """Note it and let it through."""
        asked.setdefault(operation, []).append(dict(params))
        return None

    for service in ("iam", "ec2", "redshift", "budgets"):
        wire.fakes[service] = spy
    wire.fakes["redshift-serverless"] = lambda name, params: spy(name, params) or fake(name, params)
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    return asked


def declared(aws_config: Path, group: str, vpc: str) -> dict[str, dict[str, Any]]:
    """The properties of each resource of the template, references filled in."""
    template = cloudformation.template(read_cluster_spec(load_settings(aws_config)))
    known = KNOWN | {"SecurityGroup.GroupId": group, "Vpc": vpc}
    return {name: resolve(each["Properties"], known) for name, each in template["Resources"].items()}


def same_role(role: dict[str, Any], asked: dict[str, list[dict[str, Any]]]) -> None:
    """Hold a declared role against the calls that make one."""
    (create,) = (each for each in asked["CreateRole"] if each["RoleName"] == role["RoleName"])
    (put,) = (each for each in asked["PutRolePolicy"] if each["RoleName"] == role["RoleName"])
    document = json.loads(put["PolicyDocument"])
    assert role.pop("Policies") == [{"PolicyName": put["PolicyName"], "PolicyDocument": document}]
    assert role == create | {"AssumeRolePolicyDocument": json.loads(create["AssumeRolePolicyDocument"])}


def same_budget(budget: dict[str, Any], asked: dict[str, list[dict[str, Any]]]) -> None:
    """Hold the declared budget against the call that makes one."""
    (create,) = asked["CreateBudget"]
    assert budget == {key: value for key, value in create.items() if key != "AccountId"}


@pytest.mark.parametrize("dwh", ["", f"{GUARDS}\n{BOUNDARY}\nDWH_TAGS=team=data", "subnets"])
def test_it_declares_what_the_script_asks_for(moto, wire, aws_config, capsys, dwh):
    """Every property of every resource, and no resource more or less."""
    subnets = moto.ec2.describe_subnets()["Subnets"]
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    moto.iam.create_policy(PolicyName="limit", PolicyDocument=document)
    if dwh == "subnets":
        dwh = f"DWH_SUBNET_IDS={subnets[0]['SubnetId']},{subnets[1]['SubnetId']}"
    aws_config.write_text(config_text(dwh))
    asked = made(wire, aws_config)
    (group,) = moto.ec2.describe_security_groups(GroupNames=["dwhcluster-redshift"])["SecurityGroups"]
    resources = declared(aws_config, group["GroupId"], subnets[0]["VpcId"])
    same_role(resources.pop("Role"), asked)
    (create,) = asked["CreateSecurityGroup"]
    security = resources.pop("SecurityGroup")
    assert security.get("VpcId", subnets[0]["VpcId"]) == create["VpcId"]  # without named subnets: the default VPC
    assert (security["GroupName"], security["GroupDescription"]) == (create["GroupName"], create["Description"])
    assert [{"ResourceType": "security-group", "Tags": security["Tags"]}] == create["TagSpecifications"]
    assert "SecurityGroupIngress" not in security and group["IpPermissions"] == []
    parameters = resources.pop("ParameterGroup")
    (changed,) = asked["ModifyClusterParameterGroup"]
    assert parameters.pop("Parameters") == changed["Parameters"]
    assert [parameters] == asked["CreateClusterParameterGroup"]
    if "SubnetGroup" in resources:
        (create,) = asked["CreateClusterSubnetGroup"]
        assert resources.pop("SubnetGroup") | {"ClusterSubnetGroupName": "dwhcluster-redshift"} == create
    assert [resources.pop("Cluster")] == asked["CreateCluster"]
    if "PAUSE" in dwh:
        same_role(resources.pop("PauseRole"), asked)
        assert [resources.pop("Pause")] == asked["CreateScheduledAction"]
        same_budget(resources.pop("Budget"), asked)
    assert resources == {}
    counts = {name: len(calls) for name, calls in asked.items() if name.startswith("Create")}
    expected = dict.fromkeys(("CreateRole", "CreateSecurityGroup", "CreateClusterParameterGroup", "CreateCluster"), 1)
    if "PAUSE" in dwh:
        expected |= {"CreateRole": 2, "CreateScheduledAction": 1, "CreateBudget": 1}
    if "SUBNET" in dwh:
        expected["CreateClusterSubnetGroup"] = 1
    assert counts == expected


def test_it_declares_what_the_script_asks_for_serverless(moto, wire, aws_config, capsys):
    """The same for namespace and workgroup; the daily limit, which CloudFormation lacks, is a command."""
    subnets = [each["SubnetId"] for each in moto.ec2.describe_subnets()["Subnets"]]
    aws_config.write_text(config_text(f"{SERVERLESS}\n{GUARDS}\nDWH_SUBNET_IDS={' '.join(subnets[:3])}"))
    asked = made(wire, aws_config)
    (group,) = moto.ec2.describe_security_groups(GroupNames=["dwhcluster-redshift"])["SecurityGroups"]
    resources = declared(aws_config, group["GroupId"], group["VpcId"])
    same_role(resources.pop("Role"), asked)
    same_budget(resources.pop("Budget"), asked)
    assert resources.pop("SecurityGroup")["VpcId"] == asked["CreateSecurityGroup"][0]["VpcId"]
    assert [lower(resources.pop("Namespace"))] == asked["CreateNamespace"]
    assert [lower(resources.pop("Workgroup"))] == asked["CreateWorkgroup"]
    assert resources == {}
    (limit,) = asked["CreateUsageLimit"]
    template = cloudformation.template(read_cluster_spec(load_settings(aws_config)))
    known = KNOWN | {"Workgroup.Workgroup.WorkgroupArn": limit["resourceArn"]}
    assert resolve(template["Outputs"]["SetTheDailyLimit"]["Value"], known) == (
        f"aws redshift-serverless create-usage-limit --region us-west-2 --resource-arn {limit['resourceArn']} "
        "--usage-type serverless-compute --period daily --amount 8 --breach-action deactivate"
    )


def test_a_stack_of_it_is_what_the_script_makes(moto, wire, aws_config, capsys):
    """Side by side on the simulated AWS: role, security group, parameter group and cluster of a stack and of a run.

    moto's stacks give a cluster a name of their own and forget its role and its tags; those are held against the
    request above.
    """
    plain = boto3.Session("AKIAPLAIN", "plain", region_name="us-west-2")
    stacks = plain.client("cloudformation", endpoint_url=moto.url)
    spec = spec_of(aws_config, "DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=2\nDWH_PUBLICLY_ACCESSIBLE=false")

    def look() -> dict[str, Any]:
        """What there is, without what AWS makes up."""
        (cluster,) = moto.redshift.describe_clusters()["Clusters"]
        (group,) = moto.ec2.describe_security_groups(GroupNames=["dwhcluster-redshift"])["SecurityGroups"]
        assert [each["VpcSecurityGroupId"] for each in cluster["VpcSecurityGroups"]] == [group["GroupId"]]
        role = moto.iam.get_role(RoleName="dwhRole")["Role"]
        (policy,) = moto.iam.list_role_policies(RoleName="dwhRole")["PolicyNames"]
        document = moto.iam.get_role_policy(RoleName="dwhRole", PolicyName=policy)["PolicyDocument"]
        if isinstance(document, str):  # moto's stacks keep it as Python writes it
            document = ast.literal_eval(document)
        own = [each for each in group["Tags"] if not each["Key"].startswith("aws:")]
        facts = ("NodeType", "NumberOfNodes", "DBName", "MasterUsername", "PubliclyAccessible", "Encrypted")
        return {
            "cluster": {key: cluster[key] for key in facts} | {"port": cluster["Endpoint"]["Port"]},
            "group": (group["Description"], group["VpcId"], group["IpPermissions"], sorted(map(str, own))),
            "role": (role["AssumeRolePolicyDocument"], role["Description"], sorted(map(str, role["Tags"]))),
            "policy": (policy, document),
        }

    stacks.create_stack(
        StackName="sparkify",
        TemplateBody=json.dumps(cloudformation.template(spec)),
        Parameters=[{"ParameterKey": "Password", "ParameterValue": "Passw0rdX"}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    (stack,) = stacks.describe_stacks(StackName="sparkify")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    by_stack = look()
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs["RoleArn"] == moto.iam.get_role(RoleName="dwhRole")["Role"]["Arn"]
    (cluster,) = moto.redshift.describe_clusters()["Clusters"]
    moto.redshift.delete_cluster(ClusterIdentifier=cluster["ClusterIdentifier"], SkipFinalClusterSnapshot=True)
    stacks.delete_stack(StackName="sparkify")  # moto does so with all but the cluster
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert look() == by_stack


def test_destroy_leaves_a_stack_to_cloudformation(moto, aws_config, capsys):
    """AWS tags what a stack makes; moto does not do so with a cluster, so the tag is put there."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    arn = "arn:aws:redshift:us-west-2:123456789012:cluster:dwhcluster"
    moto.redshift.create_tags(ResourceName=arn, Tags=[{"Key": "aws:cloudformation:stack-name", "Value": "mine"}])
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 1
    assert "run `aws cloudformation delete-stack --region us-west-2 --stack-name mine`" in capsys.readouterr().err
    assert len(moto.redshift.describe_clusters()["Clusters"]) == 1


@given(st.text(alphabet="a${}!*?:A", max_size=12))
def test_other_dollars_survive(key):
    """What IAM writes with ${...} means the same after CloudFormation has filled in the account."""
    text = f"arn:${{AWS::Partition}}:s3:::bucket/{key}"
    if "${AWS::" in key:
        return
    assert resolve(cloudformation._substitute(text), {"AWS::Partition": "aws"}) == f"arn:aws:s3:::bucket/{key}"
