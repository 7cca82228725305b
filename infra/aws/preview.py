"""What create_cluster.py would make, in words and with its price, for the user to read before anything is made."""

from infra.aws import budget, parameter_group, prices, tags
from infra.aws.cluster import WAY_IN
from infra.aws.cluster_spec import ClusterSpec
from infra.errors import same_config


def describe(spec: ClusterSpec, kind: str, account: str, *, managed_policy: bool, secret: bool) -> str:
    """Say what will be there, and what is the user's own; `kind` is cluster or workgroup."""
    price = prices.describe(spec.region, node_type=spec.node_type, nodes=spec.nodes, rpu=spec.base_rpu)
    lines = [
        f"In account {account}, region {spec.region}, tagged {_tags(spec)}:",
        f"  {_role(spec, managed_policy=managed_policy)}",
        f"  {_security_group(spec)}",
    ]
    if spec.serverless:
        lines.append(f"  usage limit: {spec.daily_rpu_hours} RPU-hours a day, then queries are refused")
    else:
        lines.append(f"  parameter group {parameter_group.group_name(spec.name)}: no connection without TLS")
    lines.append(
        f"  {kind} {spec.name}: {spec.size}, encrypted{_key(spec)}, TLS required, port {spec.port}, "
        f"{'public' if spec.public else 'private'} address{_subnets(spec)}, database {spec.dbname}, user {spec.user}"
    )
    lines += [f"  {line}" for line in [*_notes(spec), *_guards(spec), f"price: {price}"]]
    if secret:
        lines.append(f"  password: kept in AWS Secrets Manager for {prices.describe_secret()}")
    return "\n".join(lines)


def describe_snapshot(spec: ClusterSpec, snapshot: str) -> str:
    """Say what comes with a snapshot."""
    password = "DB_PASSWORD is to be the one it had then" if spec.password else "you sign in through IAM"
    return (
        f"From the snapshot {snapshot}: data, users and their passwords are as when it was taken. So for "
        f"{spec.user} {password}; AWS's console sets a new one."
    )


def _tags(spec: ClusterSpec) -> str:
    """Say which tags mark all that is made."""
    return ", ".join(f"{key}={value}" for key, value in (("project", tags.PROJECT), *spec.own.tags))


def _role(spec: ClusterSpec, *, managed_policy: bool) -> str:
    """Say with which role Redshift reads the data."""
    read = "every S3 bucket of the account" if managed_policy else ", ".join(spec.sources)
    if spec.own.role_arn:
        return f"your role {spec.own.role_arn}, used as it is: Redshift must be able to assume it and to read {read}"
    bound = f", bounded by {spec.own.permissions_boundary}" if spec.own.permissions_boundary else ""
    return f"role {spec.role}: only Redshift may assume it; it may read {read}{bound}"


def _security_group(spec: ClusterSpec) -> str:
    """Say which security group stands before the port."""
    if spec.own.security_group:
        return f"your security group {spec.own.security_group}, used as it is: it says who may reach port {spec.port}"
    return f"security group {spec.name}-redshift: lets nobody in until open_incoming_port.py"


def _key(spec: ClusterSpec) -> str:
    """Say with which key, if it is the user's own."""
    return f" with your key {spec.own.kms_key}" if spec.own.kms_key else ""


def _subnets(spec: ClusterSpec) -> str:
    """Say in which subnets, if dwh.cfg names them."""
    if spec.own.subnet_ids:
        return f" in {', '.join(spec.own.subnet_ids)}"
    return f" in subnet group {spec.subnet_group}" if spec.subnet_group else ""


def _notes(spec: ClusterSpec) -> list[str]:
    """Say what a private address and enhanced VPC routing ask of the user."""
    notes = []
    if not spec.public:
        notes.append(f"private address: {WAY_IN}")
    if spec.own.enhanced_vpc_routing:
        notes.append("enhanced VPC routing: COPY needs an S3 gateway endpoint, or a NAT gateway, in the VPC")
    return notes


def _guards(spec: ClusterSpec) -> list[str]:
    """Say what is done against a forgotten bill."""
    guards, lines = spec.guards, []
    if guards.pause_at and spec.serverless:
        lines.append("no pause at a fixed time: Redshift Serverless pauses by itself when no query runs")
    elif guards.pause_at:
        lines.append(
            f"paused every day at {guards.pause_at} UTC, by AWS itself; "
            f"cluster_status.py{same_config()} --resume starts it"
        )
    if guards.budget_mail:
        lines.append(
            f"budget: mail to {guards.budget_mail} at {budget.PERCENT} % of ${guards.budget_dollars} a month on "
            f"project={tags.PROJECT}; AWS counts by this tag once you have run `{budget.ACTIVATE}`"
        )
    return lines
