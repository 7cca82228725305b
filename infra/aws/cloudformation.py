"""What create_cluster.py would make, as a CloudFormation template.

The template declares the very requests that the script sends (requests.py). No secret is in it: the password is a
parameter that CloudFormation does not show, or Secrets Manager keeps it.
"""

import re
from typing import Any

from infra.aws import budget, pause_schedule, policies, requests
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.iam_role import POLICY_NAME

Resource = dict[str, Any]
ACCOUNT, PARTITION = "${AWS::AccountId}", "${AWS::Partition}"

# Deleting the stack deletes the data, as destroy_cluster.py does without --snapshot.
KEEP_NOTHING = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
# cfn-lint would have the password in Secrets Manager (W1011); that is what --manage-password does.
HIDDEN_PASSWORD = {"cfn-lint": {"config": {"ignore_checks": ["W1011"]}}}


def template(spec: ClusterSpec, *, managed_policy: bool = False, manage_password: bool = False) -> dict[str, Any]:
    """Return the template for what dwh.cfg describes."""
    resources: dict[str, Resource] = {}
    role_arn: requests.Value = spec.own.role_arn
    if not role_arn:
        resources["Role"] = _role(spec, managed_policy=managed_policy)
        role_arn = _attribute("Role", "Arn")
    group: requests.Value = spec.own.security_group
    if not group:
        resources["SecurityGroup"] = _security_group(spec)
        group = _attribute("SecurityGroup", "GroupId")
    password: requests.Value = "" if manage_password else {"Ref": "Password"}
    build = _serverless if spec.serverless else _provisioned
    resources |= build(spec, role_arn, group, password)
    if spec.guards.budget_mail:
        resources["Budget"] = {"Type": "AWS::Budgets::Budget", "Properties": budget.request(spec)}
    document: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Redshift {spec.name} in {spec.region}: {spec.size}",
        "Parameters": _parameters(spec, password),
        "Resources": resources,
        "Outputs": _outputs(spec, role_arn),
    }
    return {key: _substitute(value) for key, value in document.items() if value}


def _role(spec: ClusterSpec, *, managed_policy: bool) -> Resource:
    """Declare the role with which Redshift reads S3."""
    trust = policies.trust_policy(ACCOUNT)
    properties = requests.role(spec, spec.role, trust, f"Redshift {spec.name} reads its data from S3")
    if managed_policy:
        properties["ManagedPolicyArns"] = [policies.managed_policy(PARTITION)]
    else:
        document = policies.read_policy(spec.sources, PARTITION)
        properties["Policies"] = [{"PolicyName": POLICY_NAME, "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _security_group(spec: ClusterSpec) -> Resource:
    """Declare the security group, which lets nobody in; without named subnets it is in the default VPC."""
    properties = requests.security_group(spec)
    properties["GroupDescription"] = properties.pop("Description")
    if spec.own.subnet_ids or spec.subnet_group:
        properties["VpcId"] = {"Ref": "Vpc"}
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}


def _provisioned(
    spec: ClusterSpec, role_arn: requests.Value, group: requests.Value, password: requests.Value
) -> dict[str, Resource]:
    """Declare the cluster with its parameter group, and the subnet group and the schedule that dwh.cfg asks for."""
    parameters = requests.parameter_group(spec) | {"Parameters": [requests.REQUIRE_TLS]}
    resources = {"ParameterGroup": {"Type": "AWS::Redshift::ClusterParameterGroup", "Properties": parameters}}
    subnets: requests.Value = spec.subnet_group
    if spec.own.subnet_ids:
        properties = requests.subnet_group(spec)
        del properties["ClusterSubnetGroupName"]  # CloudFormation makes up the name
        resources["SubnetGroup"] = {"Type": "AWS::Redshift::ClusterSubnetGroup", "Properties": properties}
        subnets = {"Ref": "SubnetGroup"}
    cluster = requests.cluster(
        spec,
        role_arn=role_arn,
        group=group,
        parameters={"Ref": "ParameterGroup"},
        subnets=subnets,
        password=password,
    )
    resources["Cluster"] = {"Type": "AWS::Redshift::Cluster", **KEEP_NOTHING, "Properties": cluster}
    if password:
        resources["Cluster"]["Metadata"] = HIDDEN_PASSWORD
    if spec.guards.pause_at:
        resources |= _schedule(spec)
    return resources


def _schedule(spec: ClusterSpec) -> dict[str, Resource]:
    """Declare the daily pause and, unless the user brings a role, the role with which Redshift's scheduler does it."""
    resources: dict[str, Resource] = {}
    role_arn: requests.Value = spec.own.role_arn
    if not role_arn:
        arn = f"arn:{PARTITION}:redshift:${{AWS::Region}}:{ACCOUNT}:cluster:{spec.name}"
        properties = pause_schedule.role_request(spec)
        document = pause_schedule.pause_policy(arn)
        properties["Policies"] = [{"PolicyName": pause_schedule.POLICY_NAME, "PolicyDocument": document}]
        resources["PauseRole"] = {"Type": "AWS::IAM::Role", "Properties": properties}
        role_arn = _attribute("PauseRole", "Arn")
    resources["Pause"] = {
        "Type": "AWS::Redshift::ScheduledAction",
        "DependsOn": "Cluster",
        "Properties": requests.scheduled_pause(spec, role_arn),
    }
    return resources


def _serverless(
    spec: ClusterSpec, role_arn: requests.Value, group: requests.Value, password: requests.Value
) -> dict[str, Resource]:
    """Declare namespace and workgroup; CloudFormation has no usage limit for them, which the outputs make up for."""
    namespace = _capitalised(requests.namespace(spec, role_arn=role_arn, password=password))
    workgroup = _capitalised(requests.workgroup(spec, group=group))
    return {
        "Namespace": {"Type": "AWS::RedshiftServerless::Namespace", **KEEP_NOTHING, "Properties": namespace},
        "Workgroup": {
            "Type": "AWS::RedshiftServerless::Workgroup",
            "DependsOn": "Namespace",
            "Properties": workgroup,
        },
    }


def _parameters(spec: ClusterSpec, password: requests.Value) -> dict[str, Any]:
    """Declare what the template is to be given."""
    parameters: dict[str, Any] = {}
    if password:
        parameters["Password"] = {
            "Type": "String",
            "NoEcho": True,
            "MinLength": 8,
            "MaxLength": 64,
            "Description": f"The password of the database user {spec.user}; it is not shown",
        }
    if (spec.own.subnet_ids or spec.subnet_group) and not spec.own.security_group:
        parameters["Vpc"] = {"Type": "AWS::EC2::VPC::Id", "Description": "The VPC of the subnets"}
    return parameters


def _outputs(spec: ClusterSpec, role_arn: requests.Value) -> dict[str, Any]:
    """Declare what goes into dwh.cfg and, for serverless, the command that sets the daily limit."""
    source = ("Workgroup", "Workgroup.Endpoint.Address") if spec.serverless else ("Cluster", "Endpoint.Address")
    outputs = {
        "Host": {"Description": "[CLUSTER] HOST of dwh.cfg", "Value": _attribute(*source)},
        "RoleArn": {"Description": "[IAM_ROLE] ARN of dwh.cfg", "Value": role_arn},
    }
    if spec.serverless:
        limit = requests.usage_limit(spec, "${Workgroup.Workgroup.WorkgroupArn}")
        words = " ".join(f"--{_as_option(key)} {value}" for key, value in limit.items())
        outputs["SetTheDailyLimit"] = {
            "Description": "CloudFormation has no usage limit for serverless: run this command once",
            "Value": {"Fn::Sub": f"aws redshift-serverless create-usage-limit --region ${{AWS::Region}} {words}"},
        }
    return outputs


def _as_option(key: str) -> str:
    """Return a key of a request as the command line writes it, such as usage-type for usageType."""
    return re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", key)


def _attribute(resource: str, name: str) -> dict[str, Any]:
    """Return a reference to an attribute of a resource."""
    return {"Fn::GetAtt": [resource, name]}


def _capitalised(value: Any) -> Any:
    """Return a request of Redshift Serverless as CloudFormation writes it: each key with a capital."""
    if isinstance(value, dict):
        if any(key == "Ref" or key.startswith("Fn::") for key in value):
            return value
        return {key[0].upper() + key[1:]: _capitalised(each) for key, each in value.items()}
    return [_capitalised(each) for each in value] if isinstance(value, list) else value


def _substitute(value: Any) -> Any:
    """Have CloudFormation fill in account, partition and region in every text that names them.

    Any other `${`, which IAM uses for letters such as `${*}`, is written so that CloudFormation leaves it as it is.
    """
    if isinstance(value, dict):
        return value if "Fn::Sub" in value else {key: _substitute(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_substitute(each) for each in value]
    if isinstance(value, str) and "${AWS::" in value:
        return {"Fn::Sub": re.sub(r"\$\{(?!AWS::)", "${!", value)}
    return value
