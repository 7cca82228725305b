"""The security group before the cluster's port: which networks it lets in."""

import ipaddress

from botocore.exceptions import ClientError

from infra.aws import tags
from infra.aws.client_errors import error_code
from infra.aws.cluster import ClusterInfo
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll
from infra.errors import AwsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def find_groups(ec2, name: str) -> list[dict]:
    """The security groups that these scripts made for the cluster of this name: one, or none."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.as_dict(name).items() if key != "Name"]
    return ec2.describe_security_groups(Filters=filters)["SecurityGroups"]


def groups_of(ec2, found: ClusterInfo, name: str) -> list[dict]:
    """The security groups that the cluster has; as long as AWS does not say so, those that were made for it."""
    if not found.groups:
        return find_groups(ec2, name)
    return ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": list(found.groups)}])["SecurityGroups"]


def find_vpc(ec2, redshift, target: ClusterSpec) -> str:
    """The VPC that the cluster is to be in: that of its subnet group, else the default one."""
    if target.subnet_group:
        groups = redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=target.subnet_group)
        return groups["ClusterSubnetGroups"][0]["VpcId"]
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise AwsError(
            f"There is no default VPC in {target.region}: run `aws ec2 create-default-vpc`, "
            "or name a cluster subnet group in [DWH] DWH_SUBNET_GROUP."
        )
    return vpcs[0]["VpcId"]


def ensure_group(ec2, target: ClusterSpec, vpc: str) -> str:
    """Make the security group, which lets nobody in, or find the one that is there; return its ID."""
    for group in find_groups(ec2, target.name):
        if group["VpcId"] == vpc:
            return group["GroupId"]
    try:
        return ec2.create_security_group(
            GroupName=f"{target.name}-redshift",
            Description=f"Who may reach the Redshift port of {target.name}",
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags.as_list(target.name)}],
        )["GroupId"]
    except ClientError as error:
        if error_code(error) != "InvalidGroup.Duplicate":
            raise
        raise AwsError(
            f"The security group {target.name}-redshift was not made by these scripts: "
            "give [DWH] DWH_CLUSTER_IDENTIFIER another name."
        ) from None


def delete_group(ec2, group: str) -> None:
    """Delete a security group; for some minutes after its cluster AWS may still hold on to it."""

    def look() -> tuple[str, bool | None]:
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

    poll(f"security group {group}", look, minutes=10)


def rule(network: Network, port: int) -> dict:
    """The rule that lets a network in, to this TCP port."""
    return _permission(port) | _ranges(network, Description="opened by open_incoming_port.py")


def open_to(group: dict) -> list[tuple[str, int]]:
    """Each network that a security group lets in, with the port."""
    found = []
    for permission in group["IpPermissions"]:
        networks = [each["CidrIp"] for each in permission.get("IpRanges", [])]
        networks += [each["CidrIpv6"] for each in permission.get("Ipv6Ranges", [])]
        found += [(network, permission.get("FromPort", 0)) for network in networks]
    return sorted(found)


def open_port(ec2, group: dict, network: Network, port: int) -> bool:
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


def close_port(ec2, group: dict, network: Network | None) -> list[str]:
    """Take away the rule for a network, or all rules; return the networks shut out."""
    closed = [(text, port) for text, port in open_to(group) if network is None or text == str(network)]
    rules = [_permission(port) | _ranges(ipaddress.ip_network(text)) for text, port in closed]
    if network is None:
        rules = group["IpPermissions"]  # also what somebody has added by hand
    if rules:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=rules)
    return [text for text, _ in closed]


def _permission(port: int) -> dict:
    """The part of a rule that says what may be reached."""
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}


def _ranges(network: Network, **more: str) -> dict:
    """The part of a rule that says from where."""
    if network.version == 6:
        return {"Ipv6Ranges": [{"CidrIpv6": str(network), **more}]}
    return {"IpRanges": [{"CidrIp": str(network), **more}]}
