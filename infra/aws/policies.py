"""The IAM policies of the cluster's life, as pure functions that return a dict."""

import re
from typing import Any

from infra.aws import parameter_group, subnet_group
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.tags import PROJECT

VERSION = "2012-10-17"
SERVICES = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")  # who may assume the role

# What the scripts call, by the resource it is called on; a test holds this against the calls that are made.
LOOKS = (
    "ec2:DescribeRegions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "redshift:DescribeClusterParameterGroups",
    "redshift:DescribeClusterSnapshots",
    "redshift:DescribeClusterSubnetGroups",
    "redshift:DescribeClusters",
    "redshift:DescribeScheduledActions",
    "redshift-serverless:GetNamespace",
    "redshift-serverless:GetWorkgroup",
    "redshift-serverless:ListNamespaces",
    "redshift-serverless:ListSnapshots",
    "redshift-serverless:ListTagsForResource",
    "redshift-serverless:ListWorkgroups",
    "sts:GetCallerIdentity",
)
ROLE = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
)
# These of them have conditions of their own.
BOUNDED = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy")
GROUP = (
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateSecurityGroup",
    "ec2:DeleteSecurityGroup",
    "ec2:RevokeSecurityGroupIngress",
)
CLUSTER = (
    "redshift:CreateCluster",
    "redshift:CreateClusterParameterGroup",
    "redshift:CreateClusterSubnetGroup",
    "redshift:CreateScheduledAction",
    "redshift:DeleteCluster",
    "redshift:DeleteClusterParameterGroup",
    "redshift:DeleteClusterSubnetGroup",
    "redshift:DeleteScheduledAction",
    "redshift:DescribeClusterParameters",
    "redshift:GetClusterCredentials",
    "redshift:ModifyCluster",
    "redshift:ModifyClusterIamRoles",
    "redshift:ModifyClusterParameterGroup",
    "redshift:ModifyClusterSubnetGroup",
    "redshift:ModifyScheduledAction",
    "redshift:PauseCluster",
    "redshift:ResizeCluster",
    "redshift:RestoreFromClusterSnapshot",
    "redshift:ResumeCluster",
)
SERVERLESS = (
    "redshift-serverless:CreateNamespace",
    "redshift-serverless:CreateUsageLimit",
    "redshift-serverless:CreateWorkgroup",
    "redshift-serverless:DeleteNamespace",
    "redshift-serverless:DeleteUsageLimit",
    "redshift-serverless:DeleteWorkgroup",
    "redshift-serverless:GetCredentials",
    "redshift-serverless:GetSnapshot",
    "redshift-serverless:ListUsageLimits",
    "redshift-serverless:RestoreFromSnapshot",
    "redshift-serverless:UpdateNamespace",
    "redshift-serverless:UpdateUsageLimit",
    "redshift-serverless:UpdateWorkgroup",
)
# These of them take no resource, or one whose name is not known beforehand.
UNBOUND = (
    "redshift:CreateScheduledAction",
    "redshift:DeleteScheduledAction",
    "redshift:DescribeClusterParameters",
    "redshift:ModifyScheduledAction",
    "redshift-serverless:CreateUsageLimit",
    "redshift-serverless:DeleteUsageLimit",
    "redshift-serverless:ListUsageLimits",
    "redshift-serverless:UpdateUsageLimit",
)
# IAM has these names for the calls of AWS Budgets.
BUDGET = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
}
# What AWS asks of the caller on top, each for the sake of a call: no call has its name.
IMPLIED = {
    "ec2:CreateTags": "ec2:CreateSecurityGroup",
    "ec2:DescribeAccountAttributes": "redshift-serverless:CreateWorkgroup",
    "ec2:DescribeAddresses": "redshift:CreateCluster",
    "ec2:DescribeAvailabilityZones": "redshift:CreateCluster",
    "ec2:DescribeInternetGateways": "redshift:CreateCluster",
    "iam:CreateServiceLinkedRole": "redshift:CreateCluster",
    "iam:PassRole": "redshift:CreateCluster",
    "iam:TagRole": "iam:CreateRole",
    "redshift:CreateClusterSnapshot": "redshift:DeleteCluster",
    "redshift:CreateTags": "redshift:CreateCluster",
    "redshift-serverless:CreateSnapshot": "redshift-serverless:DeleteNamespace",
    "redshift-serverless:TagResource": "redshift-serverless:CreateNamespace",
    "secretsmanager:CreateSecret": "redshift:CreateCluster",
    "secretsmanager:DeleteSecret": "redshift:DeleteCluster",
    "secretsmanager:DescribeSecret": "redshift:CreateCluster",
    "secretsmanager:RotateSecret": "redshift:CreateCluster",
    "secretsmanager:TagResource": "redshift:CreateCluster",
    "secretsmanager:UpdateSecret": "redshift:CreateCluster",
}


def managed_policy(partition: str) -> str:
    """The ARN of the AWS policy that the course attaches: it reads every bucket of the account."""
    return f"arn:{partition}:iam::aws:policy/AmazonS3ReadOnlyAccess"


def trust_policy(account: str) -> dict[str, Any]:
    """Only Redshift, and only for this account, may assume the role.

    A cluster and a workgroup of one name share their role, so it trusts both kinds from the beginning.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": list(SERVICES)},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return {"Version": VERSION, "Statement": [statement]}


def read_policy(sources: tuple[str, ...], partition: str) -> dict[str, Any]:
    """What COPY needs for these s3:// URLs and nothing else: a folder, which ends with /, or a single object."""
    prefixes: dict[str, list[str]] = {}
    for source in sources:
        if source.endswith(".manifest"):  # what it names lies beside it
            source = source.rpartition("/")[0] + "/"
        bucket, _, key = source.removeprefix("s3://").partition("/")
        key = re.sub(r"[*?$]", r"${\g<0>}", key)  # the letters that IAM would take for patterns
        prefixes.setdefault(bucket, []).append(key + "*" if not key or key.endswith("/") else key)
    read = [f"arn:{partition}:s3:::{bucket}/{key}" for bucket, keys in prefixes.items() for key in keys]
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": read}]
    for bucket, keys in prefixes.items():
        statements.append(
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:{partition}:s3:::{bucket}",
                "Condition": {"StringLike": {"s3:prefix": keys}},
            }
        )
    return {"Version": VERSION, "Statement": statements}


def boundary_policy(account: str, partition: str, spec: ClusterSpec) -> dict[str, Any]:
    """Return the most that the roles of the scripts may ever do: read the data, and pause the cluster.

    As their permissions boundary it holds whatever is attached to them and whoever may assume them.
    """
    cluster = f"arn:{partition}:redshift:{spec.region}:{account}:cluster:{spec.name}"
    pause = {"Effect": "Allow", "Action": "redshift:PauseCluster", "Resource": cluster}
    statements = [*read_policy(spec.sources, partition)["Statement"], pause]
    return {"Version": VERSION, "Statement": statements}


def boundary_arn(account: str, partition: str, spec: ClusterSpec) -> str:
    """Return the ARN of the permissions boundary that dwh.cfg names, or else is to name."""
    return spec.own.permissions_boundary or f"arn:{partition}:iam::{account}:policy/{spec.name}-boundary"


def caller_policy(account: str, partition: str, spec: ClusterSpec) -> dict[str, Any]:
    """Return the smallest policy for a person who runs all the scripts for what dwh.cfg describes.

    Creating and changing is bound to the cluster's and the roles' names; looking is not, where AWS has no narrower
    form. IDs of security groups, namespaces and workgroups are not known beforehand: a tag or the region binds them.
    It does not lead to more rights: roles can only be made within the boundary, and nobody's trust can be changed.
    """
    roles = [f"arn:{partition}:iam::{account}:role/{name}" for name in (spec.role, f"{spec.role[:58]}-pause")]
    linked = f"arn:{partition}:iam::{account}:role/aws-service-role/redshift*"
    ec2 = f"arn:{partition}:ec2:{spec.region}:{account}"
    groups, within = f"{ec2}:security-group/*", {"iam:PermissionsBoundary": boundary_arn(account, partition, spec)}
    theirs = "redshift:" if spec.serverless else "redshift-serverless:"
    implied = [action for action in IMPLIED if not action.startswith(theirs)]
    own = [*(SERVERLESS if spec.serverless else CLUSTER), *(each for each in implied if each.startswith("redshift"))]
    unbound = [action for action in own if action in UNBOUND]
    bound = [action for action in own if action not in unbound]
    plain = [action for action in ROLE if action not in BOUNDED]
    asked, tagged = {"aws:RequestTag/project": PROJECT}, {"aws:ResourceTag/project": PROJECT}
    statements = [
        _allow([*LOOKS, *(action for action in implied if action.startswith("ec2:Describe")), *unbound], "*"),
        _allow(plain, roles),
        _allow(["iam:CreateRole", "iam:PutRolePolicy"], roles, within),
        _allow(["iam:AttachRolePolicy"], roles, within | {"iam:PolicyARN": managed_policy(partition)}),
        _allow(["iam:TagRole"], roles, asked),
        _allow(["iam:PassRole"], roles, {"iam:PassedToService": [*SERVICES, "scheduler.redshift.amazonaws.com"]}),
        _allow(["iam:CreateServiceLinkedRole"], linked, {"iam:AWSServiceName": "redshift.amazonaws.com"}),
        _allow(["ec2:CreateSecurityGroup"], f"{ec2}:vpc/*"),
        _allow(["ec2:CreateSecurityGroup"], groups, asked),
        _allow(["ec2:CreateTags"], groups, asked | {"ec2:CreateAction": "CreateSecurityGroup"}),
        _allow([action for action in GROUP if action != "ec2:CreateSecurityGroup"], groups, tagged),
        *_loading(spec, partition),
        *(
            _serverless(bound, f"arn:{partition}:redshift-serverless:{spec.region}:{account}")
            if spec.serverless
            else []
        ),
        *([] if spec.serverless else [_allow(bound, _cluster_arns(account, partition, spec))]),
        _allow(
            list(set(BUDGET.values())), f"arn:{partition}:budgets::{account}:budget/{PROJECT} {spec.name} {spec.region}"
        ),
        _allow(
            [action for action in implied if action.startswith("secretsmanager:")],
            f"arn:{partition}:secretsmanager:{spec.region}:{account}:secret:redshift!*",
        ),
    ]
    return {"Version": VERSION, "Statement": statements}


def _loading(spec: ClusterSpec, partition: str) -> list[dict[str, Any]]:
    """Return what a load of new files asks of S3 as its caller: to list the data, and to write into [S3] WORK."""
    if not spec.work:
        return []
    bucket, _, key = spec.work.removeprefix("s3://").partition("/")
    data = tuple(source for source in spec.sources if source != spec.work)
    lists = [each for each in read_policy(data, partition)["Statement"] if each["Action"] == "s3:ListBucket"]
    return [*lists, _allow(["s3:DeleteObject", "s3:PutObject"], f"arn:{partition}:s3:::{bucket}/{key}*")]


def _allow(actions: list[str], resource: str | list[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a statement of a policy; the condition is that each key equals its value."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}
    return statement | ({"Condition": {"StringEquals": condition}} if condition else {})


def _cluster_arns(account: str, partition: str, spec: ClusterSpec) -> list[str]:
    """Return the ARNs of a provisioned cluster and of what belongs to it."""
    things = [f"cluster:{spec.name}", f"snapshot:{spec.name}/*", f"dbuser:{spec.name}/*", f"dbname:{spec.name}/*"]
    things += [f"parametergroup:{parameter_group.group_name(spec.name)}"]
    things += [f"subnetgroup:{subnet_group.group_name(spec.name)}"]
    return [f"arn:{partition}:redshift:{spec.region}:{account}:{thing}" for thing in things]


def _serverless(actions: list[str], here: str) -> list[dict[str, Any]]:
    """Return the statements for namespaces and workgroups, whose IDs AWS makes up: their tags bind them."""
    things = [f"{here}:namespace/*", f"{here}:workgroup/*"]
    making = [action for action in actions if action.endswith((":CreateNamespace", ":CreateWorkgroup"))]
    shots = [action for action in actions if "Snapshot" in action]
    return [
        _allow([*making, "redshift-serverless:TagResource"], things, {"aws:RequestTag/project": PROJECT}),
        _allow([action for action in actions if action not in making], things, {"aws:ResourceTag/project": PROJECT}),
        _allow(shots, f"{here}:snapshot/*"),
    ]
