"""The cluster subnet group of the subnets that dwh.cfg names; a serverless workgroup takes the subnets themselves."""

from typing import TYPE_CHECKING

from infra.aws import requests, tags
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll

if TYPE_CHECKING:
    from mypy_boto3_redshift import RedshiftClient
    from mypy_boto3_redshift.type_defs import ClusterSubnetGroupTypeDef


def group_name(name: str) -> str:
    """The name of the subnet group for the cluster of this name."""
    return f"{name}-redshift"


def find_group(redshift: "RedshiftClient", name: str) -> "ClusterSubnetGroupTypeDef | None":
    """The subnet group with the name that is to be the cluster's, whoever made it; None: there is none."""
    try:
        found = redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=group_name(name))
    except redshift.exceptions.ClusterSubnetGroupNotFoundFault:
        return None
    return found["ClusterSubnetGroups"][0]


def check_group(redshift: "RedshiftClient", name: str) -> "ClusterSubnetGroupTypeDef | None":
    """Find the cluster's subnet group; None: there is none. Raises AwsError for somebody else's of that name."""
    group = find_group(redshift, name)
    if group:
        tags.refuse_stranger(group.get("Tags", []), name, f"subnet group {group_name(name)}")
    return group


def ensure_group(redshift: "RedshiftClient", spec: ClusterSpec) -> str:
    """Make the subnet group, or find the one that is there, with the subnets of dwh.cfg; return its name."""
    group = check_group(redshift, spec.name)
    if group is None:
        redshift.create_cluster_subnet_group(**requests.subnet_group(spec))
    elif {each.get("SubnetIdentifier") for each in group.get("Subnets", [])} != set(spec.own.subnet_ids):
        redshift.modify_cluster_subnet_group(
            ClusterSubnetGroupName=group_name(spec.name), SubnetIds=list(spec.own.subnet_ids)
        )
    return group_name(spec.name)


def delete_group(redshift: "RedshiftClient", name: str) -> None:
    """Delete the subnet group; for some time after its cluster AWS may still hold on to it."""

    def check() -> tuple[str, bool | None]:
        """Try it."""
        try:
            redshift.delete_cluster_subnet_group(ClusterSubnetGroupName=group_name(name))
        except (
            redshift.exceptions.InvalidClusterSubnetGroupStateFault,
            redshift.exceptions.InvalidClusterSubnetStateFault,
        ):
            return "in use", None
        except redshift.exceptions.ClusterSubnetGroupNotFoundFault:
            pass
        return "gone", True

    poll(f"subnet group {group_name(name)}", check, minutes=10)
