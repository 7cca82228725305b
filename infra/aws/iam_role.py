"""The IAM role with which Redshift reads S3."""

import json

from infra.aws import policies, tags
from infra.aws.cluster_spec import ClusterSpec
from infra.errors import AwsError

POLICY_NAME = "read-the-data"


def find_role(iam, role: str) -> dict | None:
    """The IAM role of this name; None: there is none."""
    try:
        return iam.get_role(RoleName=role)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None


def ensure_role(iam, target: ClusterSpec, account: str, partition: str, *, managed: bool) -> str:
    """Make the role, or bring the one that is there to what dwh.cfg says; return its ARN."""
    trust = policies.trust_policy(account, serverless=target.serverless)
    role = find_role(iam, target.role)
    if role is None:
        role = iam.create_role(
            RoleName=target.role,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description=f"Redshift {target.name} reads its data from S3",
            Tags=tags.as_list(target.name),
        )["Role"]
        iam.get_waiter("role_exists").wait(RoleName=target.role, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    elif tags.owner(role.get("Tags", [])) != target.name:
        raise AwsError(
            f"The role {target.role} was not made by these scripts for {target.name}: "
            "give [DWH] DWH_IAM_ROLE_NAME another name."
        )
    elif role["AssumeRolePolicyDocument"] != trust:
        iam.update_assume_role_policy(RoleName=target.role, PolicyDocument=json.dumps(trust))
    broad = policies.managed_policy(partition)
    attached = {policy["PolicyArn"] for policy in _attached(iam, target.role)}
    if managed:
        if broad not in attached:
            iam.attach_role_policy(RoleName=target.role, PolicyArn=broad)
        delete_inline(iam, target.role)
    else:
        document = json.dumps(policies.read_policy(target.sources, partition))
        iam.put_role_policy(RoleName=target.role, PolicyName=POLICY_NAME, PolicyDocument=document)
        if broad in attached:
            iam.detach_role_policy(RoleName=target.role, PolicyArn=broad)
    return role["Arn"]


def _attached(iam, role: str) -> list[dict]:
    """The managed policies of a role."""
    return iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]


def delete_inline(iam, role: str) -> None:
    """Take away the policies that are written into the role."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)


def delete_role(iam, role: str) -> None:
    """Delete a role, its policies first."""
    delete_inline(iam, role)
    for policy in _attached(iam, role):
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=role)
