"""The security group before the cluster's port: which networks it lets in."""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.aws import requests, tags
from infra.aws.client_errors import error_code
from infra.aws.cluster import ClusterInfo
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll
from infra.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        FilterTypeDef,
        IpPermissionOutputTypeDef,
        IpPermissionTypeDef,
        SecurityGroupTypeDef,
        SubnetTypeDef,
    )
    from mypy_boto3_redshift import RedshiftClient

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def find_groups(ec2: "EC2Client", name: str) -> "list[SecurityGroupTypeDef]":
    """Find the security groups that these scripts made for the cluster of this name: one, or none."""
    filters: list[FilterTypeDef] = [
        {"Name": f"tag:{key}", "Values": [value]} for key, value in tags.as_dict(name).items() if key != "Name"
    ]
    return ec2.describe_security_groups(Filters=filters)["SecurityGroups"]


def attached_groups(ec2: "EC2Client", info: ClusterInfo, name: str) -> "list[SecurityGroupTypeDef]":
    """Find the security groups that the cluster has; as long as AWS does not say so, those that were made for it."""
    if not info.groups:
        return find_groups(ec2, name)
    return ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": list(info.groups)}])["SecurityGroups"]


def find_vpc(ec2: "EC2Client", redshift: "RedshiftClient", spec: ClusterSpec) -> str:
    """Find the VPC that the cluster is to be in: that of its subnets, else the default one."""
    if spec.own.subnet_ids:
        return _vpc_of(ec2, spec)
    if spec.subnet_group:
        try:
            groups = redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=spec.subnet_group)
        except redshift.exceptions.ClusterSubnetGroupNotFoundFault:
            raise AwsError(f"[DWH] DWH_SUBNET_GROUP: there is no {spec.subnet_group} in {spec.region}.") from None
        return groups["ClusterSubnetGroups"][0]["VpcId"]
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise AwsError(
            f"There is no default VPC in {spec.region}: run `aws ec2 create-default-vpc`, "
            "or name subnets of another VPC in [DWH] DWH_SUBNET_IDS."
        )
    vpc = vpcs[0]["VpcId"]
    if spec.serverless:
        subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        _check_zones(spec, subnets, f"The default VPC {vpc}")
    return vpc


def _vpc_of(ec2: "EC2Client", spec: ClusterSpec) -> str:
    """Find the VPC of the subnets that dwh.cfg names; raise AwsError where AWS could make no cluster in them."""
    subnets = spec.own.subnet_ids
    answer = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": list(subnets)}])
    there = {each["SubnetId"]: each for each in answer["Subnets"]}
    if missing := [subnet for subnet in subnets if subnet not in there]:
        raise AwsError(f"[DWH] DWH_SUBNET_IDS: there is no {', '.join(missing)} in {ec2.meta.region_name}.")
    vpcs = {each["VpcId"] for each in there.values()}
    if len(vpcs) > 1:
        raise AwsError(f"[DWH] DWH_SUBNET_IDS: the subnets are of {len(vpcs)} VPCs: name those of one.")
    _check_zones(spec, there.values(), "[DWH] DWH_SUBNET_IDS")
    return vpcs.pop()


def _check_zones(spec: ClusterSpec, subnets: "Iterable[SubnetTypeDef]", whose: str) -> None:
    """Raise AwsError where the subnets are in fewer availability zones than serverless needs; us-west-1 has two."""
    zones = {each["AvailabilityZone"] for each in subnets}
    least = (3 if spec.own.enhanced_vpc_routing and spec.region != "us-west-1" else 2) if spec.serverless else 1
    if len(zones) < least:
        raise AwsError(
            f"{whose}: the subnets are in {', '.join(sorted(zones)) or 'no zone'}; serverless needs {least} "
            "availability zones: name a subnet in each in DWH_SUBNET_IDS."
        )


def ensure_group(ec2: "EC2Client", redshift: "RedshiftClient", spec: ClusterSpec) -> str:
    """Make the security group, which lets nobody in, or find the one that is there; return its ID.

    A group that the user brings is left as it is.
    """
    if spec.own.security_group:
        return spec.own.security_group
    vpc, request = find_vpc(ec2, redshift, spec), requests.security_group(spec)
    for group in find_groups(ec2, spec.name):
        if group["VpcId"] == vpc:
            return group["GroupId"]
    try:
        return ec2.create_security_group(
            GroupName=request["GroupName"],
            Description=request["Description"],
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": request["Tags"]}],
        )["GroupId"]
    except ClientError as error:
        if error_code(error) != "InvalidGroup.Duplicate":
            raise
    return _find_duplicate(ec2, spec, request["GroupName"], vpc)


def check_group(ec2: "EC2Client", redshift: "RedshiftClient", spec: ClusterSpec) -> None:
    """Raise AwsError where there is no network for the cluster, or where its security group cannot be had or used."""
    vpc, own = find_vpc(ec2, redshift, spec), spec.own.security_group
    if not own:
        _find_named(ec2, spec, requests.security_group(spec)["GroupName"], vpc)
        return
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [own]}])["SecurityGroups"]
    if not groups:
        raise AwsError(f"[DWH] DWH_SECURITY_GROUP: there is no {own} in {spec.region}.")
    if groups[0]["VpcId"] != vpc:
        raise AwsError(
            f"[DWH] DWH_SECURITY_GROUP: {own} is of {groups[0]['VpcId']}, but the cluster is to be in {vpc}: name a "
            "group of that VPC, or subnets of the group's."
        )


def _find_named(ec2: "EC2Client", spec: ClusterSpec, name: str, vpc: str) -> "SecurityGroupTypeDef | None":
    """Find the group of this name in the VPC; raise AwsError for a stranger's, which has other tags."""
    filters: list[FilterTypeDef] = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
    for group in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]:
        tags.refuse_stranger(group.get("Tags", []), spec.name, f"security group {name}")
        return group
    return None


def _find_duplicate(ec2: "EC2Client", spec: ClusterSpec, name: str, vpc: str) -> str:
    """Find the group that was there already: what has just been made is not in every search of AWS yet."""

    def check() -> tuple[str, str | None]:
        """Search by its name."""
        group = _find_named(ec2, spec, name, vpc)
        return ("there", group["GroupId"]) if group else ("not to be seen yet", None)

    return poll(f"security group {name}", check, minutes=5)


def delete_group(ec2: "EC2Client", group: str) -> None:
    """Delete a security group; for some minutes after its cluster AWS may still hold on to it."""

    def check() -> tuple[str, bool | None]:
        """Try it."""
        try:
            ec2.delete_security_group(GroupId=group)
        except ClientError as error:
            if error_code(error) == "InvalidGroup.NotFound":
                return "gone", True
            if error_code(error) != "DependencyViolation":
                raise
            return "in use", None
        return "gone", True

    poll(f"security group {group}", check, minutes=10)


def rule(network: Network, port: int) -> "IpPermissionTypeDef":
    """Return the rule that lets a network in, to this TCP port."""
    permission: IpPermissionTypeDef = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    if network.version == 6:
        permission["Ipv6Ranges"] = [{"CidrIpv6": str(network), "Description": "opened by open_incoming_port.py"}]
    else:
        permission["IpRanges"] = [{"CidrIp": str(network), "Description": "opened by open_incoming_port.py"}]
    return permission


def networks(permission: "IpPermissionOutputTypeDef") -> list[str]:
    """List whom a rule lets in: networks, AWS's lists of prefixes, other security groups."""
    return [
        *(each["CidrIp"] for each in permission.get("IpRanges", [])),
        *(each["CidrIpv6"] for each in permission.get("Ipv6Ranges", [])),
        *(each["PrefixListId"] for each in permission.get("PrefixListIds", [])),
        *(each["GroupId"] for each in permission.get("UserIdGroupPairs", [])),
    ]


def open_to(group: "SecurityGroupTypeDef") -> list[tuple[str, int]]:
    """List each network that a security group lets in, with the port."""
    return sorted(
        (network, permission.get("FromPort", 0))
        for permission in group["IpPermissions"]
        for network in networks(permission)
    )


def open_port(ec2: "EC2Client", group: "SecurityGroupTypeDef", network: Network, port: int) -> bool:
    """Let a network in; return whether it was new."""
    if (str(network), port) in open_to(group):
        return False
    try:
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule(network, port)])
    except ClientError as error:  # someone was faster
        if error_code(error) != "InvalidPermission.Duplicate":
            raise
        return False
    return True


def close_port(ec2: "EC2Client", group: "SecurityGroupTypeDef", network: Network | None) -> tuple[list[str], list[str]]:
    """Take away the rules for a network, or all rules; return whom they let in, and whom they still do.

    AWS does not call it an error if a rule is no longer there as it was: it lists it in its answer.
    """
    rules = [_only(permission, network) for permission in group["IpPermissions"]]
    rules = [each for each in rules if network is None or networks(each)]
    if not rules:
        return [], []
    answer = ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=rules)
    unknown = answer.get("UnknownIpPermissions", [])
    kept = sorted(each for permission in unknown for each in networks(permission))
    return sorted({each for permission in rules for each in networks(permission)} - set(kept)), kept


def _only(permission: "IpPermissionOutputTypeDef", network: Network | None) -> "IpPermissionOutputTypeDef":
    """Return the part of a rule that lets in this network, or the whole rule for None."""
    if network is None:
        return permission
    part: IpPermissionOutputTypeDef = {"IpProtocol": permission["IpProtocol"]}
    if "FromPort" in permission:  # a rule for every protocol has none
        part |= {"FromPort": permission["FromPort"], "ToPort": permission["ToPort"]}
    if ranges := [each for each in permission.get("IpRanges", []) if each["CidrIp"] == str(network)]:
        part["IpRanges"] = ranges
    if ranges6 := [each for each in permission.get("Ipv6Ranges", []) if each["CidrIpv6"] == str(network)]:
        part["Ipv6Ranges"] = ranges6
    return part
