"""What AWS offers in a region: for a cluster it is asked, for a workgroup its documentation says it."""

from typing import TYPE_CHECKING

from infra.aws import requests
from infra.aws.cluster_spec import FOUR_RPU_REGIONS, ClusterSpec
from infra.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_redshift import RedshiftClient


def check_nodes(redshift: "RedshiftClient", spec: ClusterSpec) -> None:
    """Raise AwsError where AWS does not offer this node type, or not this kind of cluster of it, in the region."""
    kinds: dict[str, set[str]] = {}
    for page in redshift.get_paginator("describe_orderable_cluster_options").paginate():
        for option in page["OrderableClusterOptions"]:
            kinds.setdefault(option.get("NodeType", ""), set()).add(option.get("ClusterType", ""))
    found = kinds.get(spec.node_type, set())
    if not found:
        offered = ", ".join(sorted(kinds)) or "none at all"
        raise AwsError(f"[DWH] DWH_NODE_TYPE: AWS offers no {spec.node_type} in {spec.region}, only {offered}.")
    if requests.cluster_type(spec) not in found:
        raise AwsError(f"[DWH] DWH_CLUSTER_TYPE: AWS offers {spec.node_type} in {spec.region} only as {min(found)}.")


def check_rpu(spec: ClusterSpec) -> None:
    """Raise AwsError for the smallest workgroup in a region where AWS has none of it."""
    if spec.base_rpu == 4 and spec.region not in FOUR_RPU_REGIONS:
        raise AwsError(
            f"[DWH] DWH_BASE_RPU: AWS has no workgroups of 4 RPU in {spec.region}: write 8, or choose one of "
            f"{', '.join(sorted(FOUR_RPU_REGIONS))}."
        )
