"""The cluster's own parameter group, which makes it refuse connections without TLS.

AWS's default group does so, too, for clusters made since January 2025; but that is AWS's to change. The parameter is
set before the cluster is made, so that no restart is needed.
"""

from typing import TYPE_CHECKING

from infra.aws import requests, tags
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll

if TYPE_CHECKING:
    from mypy_boto3_redshift import RedshiftClient
    from mypy_boto3_redshift.type_defs import ClusterParameterGroupTypeDef


def group_name(name: str) -> str:
    """Return the name of the parameter group for the cluster of this name."""
    return f"{name}-redshift"


def find_group(redshift: "RedshiftClient", name: str) -> "ClusterParameterGroupTypeDef | None":
    """Find the parameter group with the name that is to be the cluster's, whoever made it; None: there is none."""
    try:
        groups = redshift.describe_cluster_parameter_groups(ParameterGroupName=group_name(name))
    except redshift.exceptions.ClusterParameterGroupNotFoundFault:
        return None
    return groups["ParameterGroups"][0]


def check_group(redshift: "RedshiftClient", name: str) -> "ClusterParameterGroupTypeDef | None":
    """Find the cluster's parameter group; None: there is none. Raises AwsError for somebody else's of that name."""
    group = find_group(redshift, name)
    if group:
        tags.refuse_stranger(group.get("Tags", []), name, f"parameter group {group_name(name)}")
    return group


def ensure_group(redshift: "RedshiftClient", spec: ClusterSpec) -> str:
    """Make the parameter group, or find the one that is there; have it require TLS; return its name."""
    name = spec.name
    if check_group(redshift, name) is None:
        redshift.create_cluster_parameter_group(**requests.parameter_group(spec))
    elif tls_required(redshift, group_name(name)):
        return group_name(name)  # setting it again could have a cluster that runs wait for a restart
    redshift.modify_cluster_parameter_group(ParameterGroupName=group_name(name), Parameters=[requests.REQUIRE_TLS])
    return group_name(name)


def tls_required(redshift: "RedshiftClient", group: str) -> bool | None:
    """Whether clusters with the parameter group of this name refuse connections without TLS; None: it does not say."""
    for page in redshift.get_paginator("describe_cluster_parameters").paginate(ParameterGroupName=group):
        for parameter in page["Parameters"]:
            if parameter["ParameterName"] == "require_ssl":
                return parameter.get("ParameterValue") == "true"
    return None


def delete_group(redshift: "RedshiftClient", name: str) -> None:
    """Delete the parameter group; for some time after its cluster AWS may still hold on to it."""

    def check() -> tuple[str, bool | None]:
        """Try it."""
        try:
            redshift.delete_cluster_parameter_group(ParameterGroupName=group_name(name))
        except redshift.exceptions.InvalidClusterParameterGroupStateFault:
            return "in use", None
        except redshift.exceptions.ClusterParameterGroupNotFoundFault:
            pass
        return "gone", True

    poll(f"parameter group {group_name(name)}", check, minutes=10)
