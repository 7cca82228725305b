"""The IAM policies of the cluster's life, as pure functions that return a dict."""

import re
from typing import Any

from infra.aws import parameter_group, subnet_group
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


def caller_policy(account: str, region: str, name: str, role: str, *, serverless: bool = False) -> dict[str, Any]:
    """The smallest policy for a person who runs all the scripts for one cluster, or workgroup, of this name.

    Creating and changing is bound to the cluster's and the role's name; looking is not, where AWS has no narrower
    form. IDs of security groups, namespaces and workgroups are not known beforehand: a tag or the region binds them.
    """
    roles = [f"arn:aws:iam::{account}:role/{role}", f"arn:aws:iam::{account}:role/{role[:58]}-pause"]
    here = f"{region}:{account}"
    service, other = ("redshift-serverless", "redshift") if serverless else ("redshift", "redshift-serverless")
    calls = SERVERLESS if serverless else CLUSTER
    implied = [action for action in IMPLIED if not action.startswith(other + ":")]
    tagged = {"StringEquals": {"aws:ResourceTag/project": PROJECT}}
    asked = {"StringEquals": {"aws:RequestTag/project": PROJECT}}
    linked = {"StringEquals": {"iam:AWSServiceName": "redshift.amazonaws.com"}}
    passed = {"StringLike": {"iam:PassedToService": ["redshift*.amazonaws.com", "scheduler.redshift.amazonaws.com"]}}
    groups, vpcs = f"arn:aws:ec2:{here}:security-group/*", f"arn:aws:ec2:{here}:vpc/*"
    if serverless:
        things = [f"arn:aws:redshift-serverless:{here}:{kind}/*" for kind in ("namespace", "workgroup", "snapshot")]
    else:
        things = [f"arn:aws:redshift:{here}:cluster:{name}", f"arn:aws:redshift:{here}:snapshot:{name}/*"]
        things += [f"arn:aws:redshift:{here}:dbuser:{name}/*", f"arn:aws:redshift:{here}:dbname:{name}/*"]
        things += [f"arn:aws:redshift:{here}:parametergroup:{parameter_group.group_name(name)}"]
        things += [f"arn:aws:redshift:{here}:subnetgroup:{subnet_group.group_name(name)}"]
    secrets = [action for action in implied if action.startswith("secretsmanager:")]
    own = [*calls, *(action for action in implied if action.startswith(service + ":"))]
    unbound = [action for action in own if action in UNBOUND]

    def allow(actions: list[str], resource: str | list[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
        """A statement of the policy."""
        statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}
        return statement | ({"Condition": condition} if condition else {})

    statements = [
        allow([*LOOKS, *(action for action in implied if action.startswith("ec2:Describe")), *unbound], "*"),
        allow([*ROLE, "iam:TagRole"], roles),
        allow(["iam:PassRole"], roles, passed),
        allow(["iam:CreateServiceLinkedRole"], f"arn:aws:iam::{account}:role/aws-service-role/redshift*", linked),
        allow(["ec2:CreateSecurityGroup"], vpcs),
        allow(["ec2:CreateSecurityGroup", "ec2:CreateTags"], groups, asked),
        allow([action for action in GROUP if action != "ec2:CreateSecurityGroup"], groups, tagged),
        allow([action for action in own if action not in unbound], things),
        allow(list(set(BUDGET.values())), f"arn:aws:budgets::{account}:budget/{PROJECT} {name} {region}"),
        allow(secrets, f"arn:aws:secretsmanager:{here}:secret:redshift!*"),
    ]
    return {"Version": VERSION, "Statement": statements}
