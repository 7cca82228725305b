"""A schedule at AWS that pauses the cluster every day at one time, so that nobody's machine needs to remember it.

A scheduled action cannot carry tags: it is known by its name and by the cluster that it pauses. The role with which
Redshift's scheduler works is made here, too, and may do nothing else.
"""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.aws import iam_role, policies, requests
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll, retry_new_role
from infra.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_redshift import RedshiftClient

POLICY_NAME = "pause-the-cluster"


def role_request(spec: ClusterSpec) -> requests.Request:
    """Return the request for the scheduler's role. AWS documents no condition on the account for its trust."""
    trust = {"Effect": "Allow", "Principal": {"Service": policies.SCHEDULER}, "Action": "sts:AssumeRole"}
    document = {"Version": policies.VERSION, "Statement": [trust]}
    return requests.role(spec, policies.pause_role_name(spec), document, f"Redshift's scheduler pauses {spec.name}")


def pause_policy(cluster_arn: str) -> dict[str, Any]:
    """Return the policy of the scheduler's role: it may pause this one cluster and nothing else."""
    statement = {"Effect": "Allow", "Action": "redshift:PauseCluster", "Resource": cluster_arn}
    return {"Version": policies.VERSION, "Statement": [statement]}


def find(redshift: "RedshiftClient", name: str) -> dict[str, Any] | None:
    """Return the scheduled action that pauses the cluster of this name; None: there is none."""
    action = _find_any(redshift, name)
    return action if action and _pauses(action, name) else None


def _find_any(redshift: "RedshiftClient", name: str) -> dict[str, Any] | None:
    """Return the scheduled action with the name that the cluster's is to have, whatever it does."""
    try:
        answer = redshift.describe_scheduled_actions(ScheduledActionName=requests.pause_name(name))
    except redshift.exceptions.ScheduledActionNotFoundFault:
        return None
    return next((dict(action) for action in answer["ScheduledActions"]), None)


def _pauses(action: dict[str, Any], name: str) -> bool:
    """Whether a scheduled action pauses the cluster of this name."""
    return bool(action.get("TargetAction", {}).get("PauseCluster", {}).get("ClusterIdentifier") == name)


def check(redshift: "RedshiftClient", iam: "IAMClient", spec: ClusterSpec) -> None:
    """Raise AwsError where the name of the scheduled action, or of its role, is somebody else's."""
    if not spec.own.role_arn:
        iam_role.find_ours(iam, spec, policies.pause_role_name(spec))
    action = _find_any(redshift, spec.name)
    if action and not _pauses(action, spec.name):
        raise AwsError(
            f"The scheduled action {requests.pause_name(spec.name)} does not pause {spec.name}, so these scripts did "
            "not make it: delete it, or give [DWH] DWH_CLUSTER_IDENTIFIER another name."
        )


def ensure(redshift: "RedshiftClient", iam: "IAMClient", spec: ClusterSpec, account: str, partition: str) -> None:
    """Have the cluster, which is there, paused every day at the time of the spec."""
    cluster_arn = f"arn:{partition}:redshift:{spec.region}:{account}:cluster:{spec.name}"
    request = requests.scheduled_pause(spec, spec.own.role_arn or _ensure_role(iam, spec, cluster_arn))
    action = find(redshift, spec.name)
    if action is None:
        poll(f"scheduled action {request['ScheduledActionName']}", partial(_create, redshift, request), minutes=10)
    elif action["State"] != "ACTIVE" or any(action[key] != request[key] for key in ("Schedule", "IamRole")):
        retry_new_role(lambda: redshift.modify_scheduled_action(**request))


def _create(redshift: "RedshiftClient", request: requests.Request) -> tuple[str, bool | None]:
    """Try to make the scheduled action: a cluster that was just asked for may not be known everywhere."""
    try:
        retry_new_role(lambda: redshift.create_scheduled_action(**request))
    except redshift.exceptions.ClusterNotFoundFault:
        return "waiting for the cluster", None
    return "made", True


def _ensure_role(iam: "IAMClient", spec: ClusterSpec, cluster_arn: str) -> str:
    """Make the scheduler's role, or find the one that is there; return its ARN."""
    request = role_request(spec)
    name = request["RoleName"]
    role = iam_role.find_ours(iam, spec, name) or iam_role.create_role(iam, request)
    iam.put_role_policy(RoleName=name, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(pause_policy(cluster_arn)))
    return role["Arn"]


def delete(redshift: "RedshiftClient", name: str) -> None:
    """Delete the scheduled action, unless it is gone already."""
    try:
        redshift.delete_scheduled_action(ScheduledActionName=requests.pause_name(name))
    except redshift.exceptions.ScheduledActionNotFoundFault:
        return
