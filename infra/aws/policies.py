"""The IAM policies of the cluster's life, as pure functions that return a dict."""

import re
from typing import Any

from infra.aws import actions, parameter_group, subnet_group
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.tags import PROJECT

VERSION = "2012-10-17"
SERVICES = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")  # who may assume the role
SCHEDULER = "scheduler.redshift.amazonaws.com"  # who may assume the role of the daily pause


RANDOM = "secretsmanager:GetRandomPassword"  # takes no resource


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


def pause_role_name(spec: ClusterSpec) -> str:
    """Return the name of the role of the daily pause, for which IAM takes 64 characters."""
    return f"{spec.role[:58]}-pause"


def boundary_arn(account: str, partition: str, spec: ClusterSpec) -> str:
    """Return the ARN of the permissions boundary that dwh.cfg names, or else is to name."""
    return spec.own.permissions_boundary or f"arn:{partition}:iam::{account}:policy/{spec.name}-boundary"


def caller_policy(account: str, partition: str, spec: ClusterSpec) -> dict[str, Any]:
    """Return the smallest policy for a person who runs all the scripts for what dwh.cfg describes.

    Creating and changing is bound to the cluster's and the roles' names; looking is not, so that the policy fits. IDs
    of security groups, namespaces and workgroups are not known beforehand: a tag or the region binds them. It does not
    lead to more rights: roles can only be made within the boundary, and nobody's trust can be changed.
    """
    ec2 = f"arn:{partition}:ec2:{spec.region}:{account}"
    groups = f"{ec2}:security-group/*"
    theirs = "redshift:" if spec.serverless else "redshift-serverless:"
    implied = [action for action in actions.IMPLIED if not action.startswith(theirs)]
    own = list(actions.SERVERLESS if spec.serverless else actions.CLUSTER)
    own += [action for action in implied if action.startswith("redshift")]
    unbound = [action for action in own if action in actions.UNBOUND]
    bound = [action for action in own if action not in unbound]
    looks = [*actions.LOOKS, *unbound, *(each for each in implied if each.startswith("ec2:Describe")), RANDOM]
    secret = [action for action in implied if action.startswith("secretsmanager:") and action != RANDOM]
    asked, tagged = {"aws:RequestTag/project": PROJECT}, {"aws:ResourceTag/project": PROJECT}
    here = f"arn:{partition}:redshift-serverless:{spec.region}:{account}"
    budget = f"arn:{partition}:budgets::{account}:budget/{PROJECT} {spec.name} {spec.region}"
    statements = [
        _allow(looks, "*"),
        *_roles(account, partition, spec),
        _allow(["ec2:CreateSecurityGroup"], f"{ec2}:vpc/*"),
        _allow(["ec2:CreateSecurityGroup"], groups, asked),
        _allow(["ec2:CreateTags"], groups, asked | {"ec2:CreateAction": "CreateSecurityGroup"}),
        _allow([action for action in actions.GROUP if action != "ec2:CreateSecurityGroup"], groups, tagged),
        *_loading(spec, partition),
        *(_serverless(bound, here) if spec.serverless else [_allow(bound, _cluster_arns(account, partition, spec))]),
        _allow(list(set(actions.BUDGET.values())), budget),
        _allow(secret, f"arn:{partition}:secretsmanager:{spec.region}:{account}:secret:redshift!*"),
        *([_allow(list(actions.KEY), spec.own.kms_key)] if spec.own.kms_key else []),
    ]
    return {"Version": VERSION, "Statement": statements}


def _roles(account: str, partition: str, spec: ClusterSpec) -> list[dict[str, Any]]:
    """Return the statements for the roles: to make them within the boundary, or to use the one that the user brings."""
    roles = [f"arn:{partition}:iam::{account}:role/{name}" for name in (spec.role, pause_role_name(spec))]
    linked = f"arn:{partition}:iam::{account}:role/aws-service-role/redshift*"
    statements = [
        _allow([action for action in actions.ROLE if action not in actions.BOUNDED], roles),
        _allow(["iam:CreateServiceLinkedRole"], linked, {"iam:AWSServiceName": "redshift.amazonaws.com"}),
    ]
    passed = {"iam:PassedToService": [*SERVICES, SCHEDULER]}
    if own := spec.own.role_arn:
        return [*statements, _allow(["iam:GetRole"], own), _allow(["iam:PassRole"], own, passed)]
    within = {"iam:PermissionsBoundary": boundary_arn(account, partition, spec)}
    return [
        *statements,
        _allow(["iam:CreateRole", "iam:PutRolePolicy"], roles, within),
        _allow(["iam:AttachRolePolicy"], roles, within | {"iam:PolicyARN": managed_policy(partition)}),
        _allow(["iam:TagRole"], roles, {"aws:RequestTag/project": PROJECT}),
        _allow(["iam:PassRole"], roles, passed),
    ]


def _loading(spec: ClusterSpec, partition: str) -> list[dict[str, Any]]:
    """Return what a load of new files asks of S3 as its caller: to list the data, and to write into [S3] WORK."""
    if not spec.work:
        return []
    bucket, _, key = spec.work.removeprefix("s3://").partition("/")
    data = tuple(source for source in spec.sources if source != spec.work)
    lists = [each for each in read_policy(data, partition)["Statement"] if each["Action"] == "s3:ListBucket"]
    return [*lists, _allow(["s3:DeleteObject", "s3:PutObject"], f"arn:{partition}:s3:::{bucket}/{key}*")]


def _allow(allowed: list[str], resource: str | list[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a statement of a policy; the condition is that each key equals its value."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": sorted(allowed), "Resource": resource}
    return statement | ({"Condition": {"StringEquals": condition}} if condition else {})


def _cluster_arns(account: str, partition: str, spec: ClusterSpec) -> list[str]:
    """Return the ARNs of a provisioned cluster and of what belongs to it."""
    things = [f"cluster:{spec.name}", f"snapshot:{spec.name}/*", f"dbuser:{spec.name}/*", f"dbname:{spec.name}/*"]
    things += [f"parametergroup:{parameter_group.group_name(spec.name)}"]
    things += [f"subnetgroup:{subnet_group.group_name(spec.name)}"]
    return [f"arn:{partition}:redshift:{spec.region}:{account}:{thing}" for thing in things]


def _serverless(allowed: list[str], here: str) -> list[dict[str, Any]]:
    """Return the statements for namespaces and workgroups, whose IDs AWS makes up: their tags bind them."""
    things = [f"{here}:namespace/*", f"{here}:workgroup/*"]
    making = [action for action in allowed if action.endswith((":CreateNamespace", ":CreateWorkgroup"))]
    shots = [action for action in allowed if "Snapshot" in action]
    return [
        _allow([*making, "redshift-serverless:TagResource"], things, {"aws:RequestTag/project": PROJECT}),
        _allow([action for action in allowed if action not in making], things, {"aws:ResourceTag/project": PROJECT}),
        _allow(shots, f"{here}:snapshot/*"),
    ]
