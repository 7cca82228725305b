"""A cluster or a workgroup from a snapshot, as `destroy_cluster.py --snapshot` keeps it.

Users, their passwords and all data come back with the snapshot. A tag says which snapshot it was, so that a run that
was cut off can be taken up, and nothing is restored a second time over what has been loaded since.
"""

import argparse
import re
from typing import TYPE_CHECKING, Any

from infra.aws import requests
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import ask_serverless, poll
from infra.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_redshift import RedshiftClient
    from mypy_boto3_redshift_serverless import RedshiftServerlessClient

PENDING = "pending:"  # before the snapshot's name in the tag: not restored yet
UNKNOWN = "?"  # in place of the name: restored, but AWS does not show the tag yet
QUIET_LOOKS = 6  # at a namespace that is available all the time, more than a minute: then it was quick


def snapshot_name(text: str) -> str:
    """Return the name of a snapshot, for argparse; an empty one would mean none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def new_snapshot_name(text: str) -> str:
    """Return the name for a new snapshot, for argparse: AWS keeps it in lower case."""
    if len(text) > 255 or not re.fullmatch(r"(?!.*--)[a-z]([a-z0-9-]*[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name for a snapshot: lower-case letters, digits and single hyphens, first a letter"
        )
    return text


def check_cluster_name(redshift: "RedshiftClient", snapshot: str) -> None:
    """Raise AwsError where there is a snapshot of a cluster with this name already."""
    try:
        found = redshift.describe_cluster_snapshots(SnapshotIdentifier=snapshot)["Snapshots"]
    except redshift.exceptions.ClusterSnapshotNotFoundFault:
        return
    _refuse_taken(snapshot, taken=bool(found))


def check_namespace_name(client: "RedshiftServerlessClient", snapshot: str) -> None:
    """Raise AwsError where there is a snapshot of a namespace with this name already."""
    try:
        client.get_snapshot(snapshotName=snapshot)
    except client.exceptions.ResourceNotFoundException:
        return
    _refuse_taken(snapshot, taken=True)


def _refuse_taken(snapshot: str, *, taken: bool) -> None:
    """Raise AwsError for the name of a snapshot that is there."""
    if taken:
        raise AwsError(f"There is a snapshot {snapshot} already: give --snapshot another name. Nothing was deleted.")


def check_cluster_snapshot(redshift: "RedshiftClient", spec: ClusterSpec, snapshot: str) -> dict[str, Any]:
    """Find the snapshot of a cluster; raise AwsError if there is none of this name, or if it does not suit dwh.cfg."""
    region = redshift.meta.region_name
    try:
        found = redshift.describe_cluster_snapshots(SnapshotIdentifier=snapshot)["Snapshots"][0]
    except redshift.exceptions.ClusterSnapshotNotFoundFault:
        command = f"aws redshift describe-cluster-snapshots --snapshot-type manual --region {region}"
        raise AwsError(f"There is no snapshot {snapshot} of a cluster in {region}; `{command}` lists them.") from None
    _check(snapshot, spec, user=found.get("MasterUsername", ""), status=found.get("Status", ""))
    if found.get("DBName", spec.dbname) != spec.dbname:
        raise AwsError(
            f"The snapshot {snapshot} is of the database {found['DBName']}: write that into [CLUSTER] DB_NAME."
        )
    return dict(found)


def check_size(redshift: "RedshiftClient", spec: ClusterSpec, found: dict[str, Any]) -> None:
    """Raise AwsError for nodes onto which AWS does not restore the snapshot found; onto its own it always does."""
    if (found.get("NodeType"), found.get("NumberOfNodes")) == (spec.node_type, spec.nodes):
        return
    sizes = []
    pages = redshift.get_paginator("describe_node_configuration_options").paginate(
        ActionType="restore-cluster", SnapshotIdentifier=found["SnapshotIdentifier"]
    )
    for page in pages:
        sizes += [f"{each['NumberOfNodes']} x {each['NodeType']}" for each in page["NodeConfigurationOptionList"]]
    if spec.size not in sizes:
        own = f"{found.get('NumberOfNodes')} x {found.get('NodeType')}"
        raise AwsError(
            f"The snapshot {found['SnapshotIdentifier']} cannot be restored onto {spec.size}: set [DWH] DWH_NODE_TYPE "
            f"and DWH_NUM_NODES to {own} as it was{', or to ' * bool(sizes)}{', '.join(sizes)}."
        )


def check_namespace_snapshot(client: "RedshiftServerlessClient", spec: ClusterSpec, snapshot: str) -> None:
    """Raise AwsError if there is no snapshot of a namespace of this name, or if it does not suit dwh.cfg."""
    region = client.meta.region_name
    try:
        found = client.get_snapshot(snapshotName=snapshot)["snapshot"]
    except client.exceptions.ResourceNotFoundException:
        command = f"aws redshift-serverless list-snapshots --region {region}"
        raise AwsError(f"There is no snapshot {snapshot} of a namespace in {region}; `{command}` lists them.") from None
    _check(snapshot, spec, user=found.get("adminUsername", ""), status=found.get("status", ""))


def _check(snapshot: str, spec: ClusterSpec, *, user: str, status: str) -> None:
    """Raise AwsError for a snapshot of another database user, or one that is not ready."""
    if status.lower() != "available":
        raise AwsError(f"The snapshot {snapshot} is {status.lower()}: it can be restored only when it is available.")
    if user and user != spec.user:
        raise AwsError(f"The snapshot {snapshot} is of the database user {user}: write that into [CLUSTER] DB_USER.")


def cluster_request(
    placed: requests.Request, found: dict[str, Any], spec: ClusterSpec, *, managed: bool
) -> requests.Request:
    """Return the request for a cluster from the snapshot found; without `managed` it keeps the snapshot's password."""
    # AWS asks for the cluster's name where the caller's policy names it.
    request = {**placed, "SnapshotIdentifier": found["SnapshotIdentifier"]}
    request["SnapshotClusterIdentifier"] = found["ClusterIdentifier"]
    if found.get("NumberOfNodes", spec.nodes) != spec.nodes:
        request["NumberOfNodes"] = spec.nodes
    return request | ({"ManageMasterPassword": True} if managed else {})


def restore_namespace(client: "RedshiftServerlessClient", name: str, snapshot: str, *, managed: bool) -> None:
    """Restore a snapshot into the namespace, which holds nothing yet, and wait until that is done."""
    more: dict[str, Any] = {"manageAdminPassword": True} if managed else {}
    request = {"namespaceName": name, "workgroupName": name, "snapshotName": snapshot, **more}
    ask_serverless(f"namespace {name}", lambda: client.restore_from_snapshot(**request))
    seen: list[str] = []

    def check() -> tuple[str, bool | None]:
        """See how far it is: AWS takes a moment before it says that it is at work."""
        states = {
            client.get_namespace(namespaceName=name)["namespace"]["status"],
            client.get_workgroup(workgroupName=name)["workgroup"]["status"],
        }
        seen.append("available" if states == {"AVAILABLE"} else "restoring")
        done = seen[-1] == "available" and ("restoring" in seen or len(seen) >= QUIET_LOOKS)
        return seen[-1], True if done else None

    poll(f"namespace {name}", check, minutes=60)
