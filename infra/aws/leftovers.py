"""What these scripts made and what still costs money in a region, each with the way to remove it."""

from typing import TYPE_CHECKING

from infra.aws import tags
from infra.aws.cluster import how_to_destroy

if TYPE_CHECKING:
    from mypy_boto3_redshift import RedshiftClient
    from mypy_boto3_redshift_serverless import RedshiftServerlessClient


def of_clusters(redshift: "RedshiftClient", name: str) -> list[str]:
    """List our clusters, and the snapshots of the one of this name."""
    left, region = [], redshift.meta.region_name
    for page in redshift.get_paginator("describe_clusters").paginate(TagKeys=["project"]):
        for cluster in page["Clusters"]:
            if owner := tags.owner(cluster.get("Tags", [])):
                kind = "multi-node" if cluster.get("NumberOfNodes", 1) > 1 else "single-node"
                left.append(f"cluster {owner} ({cluster['ClusterStatus']}): {how_to_destroy(owner, kind, region)}")
    command = f"aws redshift delete-cluster-snapshot --region {region} --snapshot-identifier"
    for shots in redshift.get_paginator("describe_cluster_snapshots").paginate(SnapshotType="manual"):
        for snapshot in shots["Snapshots"]:
            shot = snapshot["SnapshotIdentifier"]
            if (snapshot["ClusterIdentifier"], snapshot["SnapshotType"]) == (name, "manual"):
                left.append(f"snapshot {shot} of {name}, billed for its storage: run `{command} {shot}`")
    return left


def of_workgroups(client: "RedshiftServerlessClient", name: str) -> list[str]:
    """List our workgroups and namespaces, and the snapshots of the one of this name."""
    left, region = [], client.meta.region_name
    for page in client.get_paginator("list_workgroups").paginate():
        for workgroup in page["workgroups"]:
            left += _of_tagged(client, "workgroup", workgroup["workgroupArn"], workgroup["status"])
    for spaces in client.get_paginator("list_namespaces").paginate():
        for namespace in spaces["namespaces"]:
            left += _of_tagged(client, "namespace", namespace["namespaceArn"], namespace["status"])
    command = f"aws redshift-serverless delete-snapshot --region {region} --snapshot-name"
    for shots in client.get_paginator("list_snapshots").paginate():
        for snapshot in shots.get("snapshots", []):
            shot = snapshot["snapshotName"]
            if snapshot["namespaceName"] == name:
                left.append(f"snapshot {shot} of {name}, billed for its storage: run `{command} {shot}`")
    return left


def _of_tagged(client: "RedshiftServerlessClient", word: str, arn: str, state: str) -> list[str]:
    """Say how to remove one of ours; nothing for somebody else's, or for one that has just been deleted."""
    try:
        owner = tags.owner(client.list_tags_for_resource(resourceArn=arn)["tags"])
    except client.exceptions.ResourceNotFoundException:
        return []
    if not owner:
        return []
    return [f"{word} {owner} ({state.lower()}): {how_to_destroy(owner, 'serverless', client.meta.region_name)}"]
