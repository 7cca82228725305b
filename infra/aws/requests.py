"""What these scripts ask AWS to make, as pure functions that return a request.

The scripts send these requests, and the CloudFormation template declares them, so that both make the same. An
argument may be a text or, in the template, a reference such as {"Ref": "SecurityGroup"}.
"""

from typing import Any

from infra.aws import tags
from infra.aws.cluster_spec import ClusterSpec

Request = dict[str, Any]
Value = str | dict[str, Any]  # a text, or a reference of CloudFormation
PARAMETER_FAMILY = "redshift-2.0"
REQUIRE_TLS: Any = {"ParameterName": "require_ssl", "ParameterValue": "true"}


def role(spec: ClusterSpec, name: str, trust: Request, description: str) -> Request:
    """Return the request for an IAM role; its trust policy is still a dict."""
    request: Request = {
        "RoleName": name,
        "AssumeRolePolicyDocument": trust,
        "Description": description,
        "Tags": tags.of_role(spec.name, spec.region, spec.own.tags),
    }
    if spec.own.permissions_boundary:
        request["PermissionsBoundary"] = spec.own.permissions_boundary
    return request


def security_group(spec: ClusterSpec) -> Request:
    """Return what is known of the security group: its name, its description and its tags."""
    return {
        "GroupName": f"{spec.name}-redshift",
        "Description": f"Who may reach the Redshift port of {spec.name}",
        "Tags": tags.as_list(spec.name, spec.own.tags),
    }


def parameter_group(spec: ClusterSpec) -> Request:
    """Return the request for the parameter group, whose parameter requires TLS."""
    return {
        "ParameterGroupName": f"{spec.name}-redshift",
        "ParameterGroupFamily": PARAMETER_FAMILY,
        "Description": f"Redshift {spec.name} requires TLS",
        "Tags": tags.as_list(spec.name, spec.own.tags),
    }


def subnet_group(spec: ClusterSpec) -> Request:
    """Return the request for the subnet group of the subnets that dwh.cfg names."""
    return {
        "ClusterSubnetGroupName": f"{spec.name}-redshift",
        "Description": f"The subnets of Redshift {spec.name}",
        "SubnetIds": list(spec.own.subnet_ids),
        "Tags": tags.as_list(spec.name, spec.own.tags),
    }


def placement(spec: ClusterSpec, role_arn: Value, group: Value, parameters: Value, subnets: Value | None) -> Request:
    """Return what a new cluster and one from a snapshot have in common: where and how it runs."""
    request: Request = {
        "ClusterIdentifier": spec.name,
        "NodeType": spec.node_type,
        "Port": spec.port,
        "IamRoles": [role_arn],
        "VpcSecurityGroupIds": [group],
        "ClusterParameterGroupName": parameters,
        "PubliclyAccessible": spec.public,
        "EnhancedVpcRouting": spec.own.enhanced_vpc_routing,
    }
    if spec.own.kms_key:
        request["KmsKeyId"] = spec.own.kms_key
    if subnets:
        request["ClusterSubnetGroupName"] = subnets
    return request


def cluster_type(spec: ClusterSpec) -> str:
    """Return AWS's word for one node or several."""
    return "multi-node" if spec.nodes > 1 else "single-node"


def cluster(
    spec: ClusterSpec,
    *,
    role_arn: Value,
    group: Value,
    parameters: Value,
    subnets: Value | None,
    password: Value,
) -> Request:
    """Return the request for a cluster; an empty password is left to Secrets Manager."""
    request = placement(spec, role_arn, group, parameters, subnets) | {
        "ClusterType": cluster_type(spec),
        "DBName": spec.dbname,
        "MasterUsername": spec.user,
        "Encrypted": True,
        "Tags": tags.as_list(spec.name, spec.own.tags),
    }
    if spec.nodes > 1:
        request["NumberOfNodes"] = spec.nodes
    return request | ({"MasterUserPassword": password} if password else {"ManageMasterPassword": True})


def namespace(spec: ClusterSpec, *, role_arn: Value, password: Value) -> Request:
    """Return the request for the namespace of a serverless workgroup; an empty password is left to Secrets Manager."""
    request: Request = {
        "namespaceName": spec.name,
        "dbName": spec.dbname,
        "adminUsername": spec.user,
        "iamRoles": [role_arn],
        "tags": _small(tags.as_list(spec.name, spec.own.tags)),
    }
    if spec.own.kms_key:
        request["kmsKeyId"] = spec.own.kms_key
    return request | ({"adminUserPassword": password} if password else {"manageAdminPassword": True})


def restored_namespace(spec: ClusterSpec, *, role_arn: Value, snapshot: str) -> Request:
    """Return the request for a namespace that a snapshot comes into; its users come with the snapshot."""
    request = namespace(spec, role_arn=role_arn, password="")
    own = _small(tags.as_list(spec.name, (*spec.own.tags, (tags.SNAPSHOT, snapshot))))
    return {key: value for key, value in request.items() if not key.endswith(("Username", "Password"))} | {"tags": own}


def workgroup(spec: ClusterSpec, *, group: Value) -> Request:
    """Return the request for a serverless workgroup."""
    request: Request = {
        "workgroupName": spec.name,
        "namespaceName": spec.name,
        "baseCapacity": spec.base_rpu,
        "port": spec.port,
        "publiclyAccessible": spec.public,
        "enhancedVpcRouting": spec.own.enhanced_vpc_routing,
        "securityGroupIds": [group],
        "configParameters": [{"parameterKey": "require_ssl", "parameterValue": "true"}],
        "tags": _small(tags.as_list(spec.name, spec.own.tags)),
    }
    if spec.own.subnet_ids:
        request["subnetIds"] = list(spec.own.subnet_ids)
    return request


def usage_limit(spec: ClusterSpec, workgroup_arn: str) -> Request:
    """Return the request for the daily limit of a workgroup, after which queries are refused."""
    return {
        "resourceArn": workgroup_arn,
        "usageType": "serverless-compute",
        "period": "daily",
        "amount": spec.daily_rpu_hours,
        "breachAction": "deactivate",
    }


def pause_name(name: str) -> str:
    """Return the name of the scheduled action for the cluster of this name; AWS takes 60 characters, without `--`."""
    return f"{name[:54].rstrip('-')}-pause"


def scheduled_pause(spec: ClusterSpec, role_arn: Value) -> Request:
    """Return the request for the scheduled action that pauses the cluster every day; its time is UTC."""
    hour, minute = spec.guards.pause_at.split(":")
    return {
        "ScheduledActionName": pause_name(spec.name),
        "ScheduledActionDescription": f"Pauses {spec.name} every day at {spec.guards.pause_at} UTC",
        "TargetAction": {"PauseCluster": {"ClusterIdentifier": spec.name}},
        # minutes, hours, day of the month, month, day of the week, year
        "Schedule": f"cron({int(minute)} {int(hour)} * * ? *)",
        "IamRole": role_arn,
        "Enable": True,
    }


def budget(spec: ClusterSpec, percent: int) -> Request:
    """Return the request for a monthly budget on the project's tag, with a mail at so many percent of it."""
    notification = {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": percent,
        "ThresholdType": "PERCENTAGE",
    }
    mail = {"SubscriptionType": "EMAIL", "Address": spec.guards.budget_mail}
    return {
        "Budget": {
            "BudgetName": f"{tags.PROJECT} {spec.name} {spec.region}",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": str(spec.guards.budget_dollars), "Unit": "USD"},
            "CostFilters": {"TagKeyValue": [f"user:project${tags.PROJECT}"]},
        },
        "NotificationsWithSubscribers": [{"Notification": notification, "Subscribers": [mail]}],
    }


def _small(pairs: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return tags as Redshift Serverless writes them."""
    return [{"key": pair["Key"], "value": pair["Value"]} for pair in pairs]
