"""What dwh.cfg wants otherwise than it is there, and what AWS can change in place, each with its price."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.aws import prices, requests
from infra.aws.client_errors import error_code
from infra.aws.cluster import Change, Cluster, ClusterInfo
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll
from infra.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_redshift import RedshiftClient
    from mypy_boto3_redshift_serverless import RedshiftServerlessClient

BUSY = ("InvalidClusterState", "ConflictException")  # AWS is at work on the cluster: a moment later it goes


def of_cluster(client: "RedshiftClient", spec: ClusterSpec, info: ClusterInfo) -> list[Change]:
    """List what a provisioned cluster is otherwise."""
    changes = []
    if (info.nodes, info.node_type) != (spec.nodes, spec.node_type):
        # AWS adds and removes nodes of the same type in minutes, but not to or from a single one.
        elastic = info.node_type == spec.node_type and min(info.nodes, spec.nodes) > 1
        changes.append(
            Change(
                "DWH_NODE_TYPE, DWH_NUM_NODES",
                info.size,
                spec.size,
                _prices(
                    prices.hourly(spec.region, node_type=info.node_type, nodes=info.nodes),
                    prices.hourly(spec.region, node_type=spec.node_type, nodes=spec.nodes),
                    "an hour",
                ),
                "elastic resize: some minutes, in which queries wait"
                if elastic
                else "classic resize: it may take hours, in which the cluster can only be read",
                partial(
                    client.resize_cluster,
                    ClusterIdentifier=spec.name,
                    ClusterType=requests.cluster_type(spec),
                    NodeType=spec.node_type,
                    NumberOfNodes=spec.nodes,
                    Classic=not elastic,
                ),
            )
        )
    if info.public != spec.public:
        public = partial(client.modify_cluster, ClusterIdentifier=spec.name, PubliclyAccessible=spec.public)
        changes.append(_public(info, spec, public))
    return changes


def of_workgroup(client: "RedshiftServerlessClient", spec: ClusterSpec, info: ClusterInfo) -> list[Change]:
    """List what a serverless workgroup is otherwise. AWS changes one property of it at a time."""
    changes = []
    if info.base_rpu != spec.base_rpu:
        changes.append(
            Change(
                "DWH_BASE_RPU",
                info.size,
                spec.size,
                _prices(
                    prices.hourly(spec.region, rpu=info.base_rpu),
                    prices.hourly(spec.region, rpu=spec.base_rpu),
                    "an hour in which queries run",
                ),
                "queries go on",
                partial(client.update_workgroup, workgroupName=spec.name, baseCapacity=spec.base_rpu),
            )
        )
    if info.public != spec.public:
        public = partial(client.update_workgroup, workgroupName=spec.name, publiclyAccessible=spec.public)
        changes.append(_public(info, spec, public))
    limit = _daily_limit(client, spec)
    if limit and limit["amount"] != spec.daily_rpu_hours:
        hour = prices.hourly(spec.region, rpu=1)
        changes.append(
            Change(
                "DWH_DAILY_RPU_HOURS",
                str(limit["amount"]),
                str(spec.daily_rpu_hours),
                _prices(
                    None if hour is None else hour * limit["amount"],
                    None if hour is None else hour * spec.daily_rpu_hours,
                    "a day at most",
                ),
                "queries go on",
                partial(client.update_usage_limit, usageLimitId=limit["usageLimitId"], amount=spec.daily_rpu_hours),
            )
        )
    return changes


def _daily_limit(client: "RedshiftServerlessClient", spec: ClusterSpec) -> dict[str, Any] | None:
    """Find the daily usage limit of the workgroup; None: there is none."""
    arn = client.get_workgroup(workgroupName=spec.name)["workgroup"]["workgroupArn"]
    answer = client.list_usage_limits(resourceArn=arn, usageType="serverless-compute")
    return next((dict(each) for each in answer.get("usageLimits", []) if each["period"] == "daily"), None)


def _public(info: ClusterInfo, spec: ClusterSpec, call: Callable[[], object]) -> Change:
    """Return the change of the address."""
    words = {True: "a public address", False: "a private address"}
    return Change(
        "DWH_PUBLICLY_ACCESSIBLE",
        words[info.public],
        words[spec.public],
        "the price stays, but for what AWS charges for a public IPv4 address",
        "connections break for a moment",
        call,
    )


def _prices(before: float | None, after: float | None, unit: str) -> str:
    """Say what it costs now and then, where that is known."""
    texts = ["unknown" if each is None else f"${each:.2f}" for each in (before, after)]
    return f"{texts[0]} {unit} now, {texts[1]} then"


def apply(cluster: Cluster, spec: ClusterSpec, change: Change) -> None:
    """Have AWS make the change, and wait until it is made."""
    asked = False

    def check() -> tuple[str, bool | None]:
        """Ask for it once AWS takes it, and see whether it is done."""
        nonlocal asked
        info = cluster.find()
        if info is None:
            raise AwsError(f"The {cluster.kind} {spec.name} is gone.")
        if info.state != "available":
            return info.state, None
        if change.keys not in [each.keys for each in cluster.changes(spec, info)]:
            return info.state, True
        if not asked:
            try:
                change.call()
            except ClientError as error:
                if error_code(error) not in BUSY:
                    raise
                return "busy", None
            asked = True
        return "asked for", None

    poll(f"{cluster.kind} {spec.name}", check, minutes=60)
