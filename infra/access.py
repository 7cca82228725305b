"""Who gets where: the role with which Redshift reads S3, and the security group before the cluster's port."""

import ipaddress
import json

from botocore.exceptions import ClientError

from infra import aws, policies
from infra.target import Found, Target

POLICY_NAME = "read-the-data"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def find_role(iam, role: str) -> dict | None:
    """The IAM role of this name; None: there is none."""
    try:
        return iam.get_role(RoleName=role)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None


def ensure_role(iam, target: Target, account: str, partition: str, *, managed: bool) -> str:
    """Make the role, or bring the one that is there to what dwh.cfg says; return its ARN."""
    trust = policies.trust_policy(account, serverless=target.serverless)
    role = find_role(iam, target.role)
    if role is None:
        role = iam.create_role(
            RoleName=target.role,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description=f"Redshift {target.name} reads its data from S3",
            Tags=aws.tag_list(target.name),
        )["Role"]
        iam.get_waiter("role_exists").wait(RoleName=target.role, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    elif aws.owner(role.get("Tags", [])) != target.name:
        raise aws.AwsError(
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


def find_groups(ec2, name: str) -> list[dict]:
    """The security groups that these scripts made for the cluster of this name: one, or none."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in aws.tags(name).items() if key != "Name"]
    return ec2.describe_security_groups(Filters=filters)["SecurityGroups"]


def groups_of(ec2, found: Found, name: str) -> list[dict]:
    """The security groups that the cluster has; as long as AWS does not say so, those that were made for it."""
    if not found.groups:
        return find_groups(ec2, name)
    return ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": list(found.groups)}])["SecurityGroups"]


def find_vpc(ec2, redshift, target: Target) -> str:
    """The VPC that the cluster is to be in: that of its subnet group, else the default one."""
    if target.subnet_group:
        groups = redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=target.subnet_group)
        return groups["ClusterSubnetGroups"][0]["VpcId"]
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise aws.AwsError(
            f"There is no default VPC in {target.region}: run `aws ec2 create-default-vpc`, "
            "or name a cluster subnet group in [DWH] DWH_SUBNET_GROUP."
        )
    return vpcs[0]["VpcId"]


def ensure_group(ec2, target: Target, vpc: str) -> str:
    """Make the security group, which lets nobody in, or find the one that is there; return its ID."""
    for group in find_groups(ec2, target.name):
        if group["VpcId"] == vpc:
            return group["GroupId"]
    try:
        return ec2.create_security_group(
            GroupName=f"{target.name}-redshift",
            Description=f"Who may reach the Redshift port of {target.name}",
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": aws.tag_list(target.name)}],
        )["GroupId"]
    except ClientError as error:
        if aws.code(error) != "InvalidGroup.Duplicate":
            raise
        raise aws.AwsError(
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
            if aws.code(error) == "InvalidGroup.NotFound":
                return "gone", True
            if aws.code(error) != "DependencyViolation":
                raise
            return "in use", None
        return "gone", True

    aws.wait(f"security group {group}", look, minutes=10)


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
        if aws.code(error) != "InvalidPermission.Duplicate":
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
