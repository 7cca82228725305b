"""The IAM role with which Redshift reads S3."""

import json
import re
from typing import TYPE_CHECKING

from infra.aws import policies, requests, tags
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll
from infra.errors import AwsError, same_config

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import AttachedPolicyTypeDef, RoleTypeDef

POLICY_NAME = "read-the-data"


def find_role(iam: "IAMClient", role: str) -> "RoleTypeDef | None":
    """Find the IAM role of this name; None: there is none."""
    try:
        return iam.get_role(RoleName=role)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None


def create_role(iam: "IAMClient", request: requests.Request) -> "RoleTypeDef":
    """Make a role of a request whose trust policy is still a dict, and wait until AWS knows it."""
    document = json.dumps(request["AssumeRolePolicyDocument"])
    role = iam.create_role(**request | {"AssumeRolePolicyDocument": document})["Role"]
    iam.get_waiter("role_exists").wait(RoleName=role["RoleName"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return role


def check_role(iam: "IAMClient", spec: ClusterSpec, account: str) -> "RoleTypeDef | None":
    """Find the role that these scripts made; None: there is none. Raises AwsError for one that cannot be used."""
    role = find_ours(iam, spec, spec.role)
    if role and role["AssumeRolePolicyDocument"] != policies.trust_policy(account):
        raise AwsError(
            f"Somebody has changed who may assume the role {spec.role}: run destroy_cluster.py{same_config()}, "
            "or delete the role, and run this again."
        )
    return role


def find_ours(iam: "IAMClient", spec: ClusterSpec, name: str) -> "RoleTypeDef | None":
    """Find a role of the cluster's; None: there is none. Raises AwsError for somebody else's role of this name."""
    role = find_role(iam, name)
    if role and not tags.belongs_to(role.get("Tags", []), spec.name, spec.region):
        raise AwsError(
            f"The role {name} was not made by these scripts for {spec.name} in {spec.region}: "
            "give [DWH] DWH_IAM_ROLE_NAME another name."
        )
    return role


def check_own_role(iam: "IAMClient", spec: ClusterSpec, account: str) -> None:
    """Raise AwsError where Redshift could not assume the role that the user brings."""
    arn = spec.own.role_arn
    if arn.split(":")[4] != account:
        raise AwsError(f"[DWH] DWH_ROLE_ARN: {arn} is not of the account {account}, whose cluster is to assume it.")
    role = find_role(iam, arn.rpartition("/")[2])
    if role is None or role["Arn"] != arn:
        raise AwsError(f"[DWH] DWH_ROLE_ARN: there is no role {arn}.")
    services = list(policies.SERVICES if spec.serverless else policies.SERVICES[:1])
    services += [policies.SCHEDULER] if spec.guards.pause_at and not spec.serverless else []
    trust = json.dumps(role["AssumeRolePolicyDocument"])
    if missing := [service for service in services if not re.search(rf'"{re.escape(service)}(\.cn)?"', trust)]:
        raise AwsError(f"[DWH] DWH_ROLE_ARN: {arn} does not trust {', '.join(missing)}: add that to its trust policy.")


def check_boundary(iam: "IAMClient", spec: ClusterSpec) -> None:
    """Raise AwsError where the permissions boundary of the roles is not there."""
    arn = spec.own.permissions_boundary
    try:
        iam.get_policy(PolicyArn=arn)
    except iam.exceptions.NoSuchEntityException:
        raise AwsError(
            f"[DWH] DWH_PERMISSIONS_BOUNDARY: there is no policy {arn}: make it of what "
            f"`python infra/caller_policy.py{same_config()} --boundary` prints."
        ) from None


def ensure_role(iam: "IAMClient", spec: ClusterSpec, account: str, partition: str, *, managed: bool) -> str:
    """Make the role, or bring the one that is there to what dwh.cfg says; return its ARN.

    A role that the user brings is left as it is.
    """
    if spec.own.role_arn:
        return spec.own.role_arn
    role = check_role(iam, spec, account)
    if role is None:
        trust = policies.trust_policy(account)
        role = create_role(iam, requests.role(spec, spec.role, trust, f"Redshift {spec.name} reads its data from S3"))
    broad = policies.managed_policy(partition)
    attached = {policy["PolicyArn"] for policy in _attached(iam, spec.role)}
    if managed:
        if broad not in attached:
            iam.attach_role_policy(RoleName=spec.role, PolicyArn=broad)
        delete_inline(iam, spec.role)
    else:
        document = json.dumps(policies.read_policy(spec.sources, partition))
        iam.put_role_policy(RoleName=spec.role, PolicyName=POLICY_NAME, PolicyDocument=document)
        if broad in attached:
            iam.detach_role_policy(RoleName=spec.role, PolicyArn=broad)
    return role["Arn"]


def _attached(iam: "IAMClient", role: str) -> "list[AttachedPolicyTypeDef]":
    """List the managed policies of a role."""
    return iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]


def delete_inline(iam: "IAMClient", role: str) -> None:
    """Take away the policies that are written into the role."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)


def delete_role(iam: "IAMClient", role: str) -> None:
    """Delete a role, its policies first; IAM may need a moment to see that they are gone."""

    def check() -> tuple[str, bool | None]:
        """Try it."""
        try:
            delete_inline(iam, role)
            for policy in _attached(iam, role):
                iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
            iam.delete_role(RoleName=role)
        except iam.exceptions.NoSuchEntityException:
            pass
        except iam.exceptions.DeleteConflictException:
            return "in use", None
        return "gone", True

    poll(f"role {role}", check, minutes=2)
