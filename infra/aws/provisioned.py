"""A provisioned Redshift cluster: one verb a method, on the cluster of one name."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from infra.aws import changes, leftovers, offers, parameter_group, requests, snapshots, subnet_group, tags
from infra.aws.client_errors import error_message
from infra.aws.cluster import Change, ClusterInfo
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll, retry_new_role
from infra.aws.session import CLIENT_CONFIG
from infra.errors import AwsError, same_config

if TYPE_CHECKING:
    from mypy_boto3_redshift import RedshiftClient
    from mypy_boto3_redshift.type_defs import ClusterTypeDef

# States in which the cluster stays until somebody does something.
BROKEN = (
    *("incompatible-hsm", "incompatible-network", "incompatible-parameters", "incompatible-restore", "unavailable"),
    *("hardware-failure", "storage-full", "insufficient-capacity", "inaccessible-kms-key"),
)

DELETING = ("deleting", "final-snapshot")


class Provisioned:
    """The cluster of this name, there or not."""

    kind = "cluster"

    def __init__(self, session: boto3.Session, name: str, region: str | None = None, config: Config = CLIENT_CONFIG):
        """Make the client, by default for the session's region; nothing is asked yet."""
        self.name = name
        self.client: RedshiftClient = session.client("redshift", region_name=region, config=config)
        self.region = self.client.meta.region_name

    def find(self) -> ClusterInfo | None:
        """What AWS says of the cluster; None: there is none."""
        try:
            cluster = self.client.describe_clusters(ClusterIdentifier=self.name)["Clusters"][0]
        except self.client.exceptions.ClusterNotFoundFault:
            return None
        endpoint = cluster.get("Endpoint", {})
        owner, snapshot = self._origin(cluster)
        return ClusterInfo(
            state=cluster["ClusterStatus"].lower().partition(",")[0],  # "available, resize-cleanup" is available
            owner=owner,
            snapshot=snapshot,
            stack=tags.read(cluster.get("Tags", [])).get(tags.STACK, ""),
            secret=bool(cluster.get("MasterPasswordSecretArn")),
            host=endpoint.get("Address", ""),
            port=endpoint.get("Port", 0),
            size=f"{cluster['NumberOfNodes']} x {cluster['NodeType']}",
            version=".".join(filter(None, [cluster.get("ClusterVersion"), cluster.get("ClusterRevisionNumber")])),
            public=cluster.get("PubliclyAccessible", False),
            encrypted=cluster.get("Encrypted", False),
            roles=_roles(cluster, "in-sync"),
            roles_adding=_roles(cluster, "adding"),
            groups=tuple(group["VpcSecurityGroupId"] for group in cluster.get("VpcSecurityGroups", [])),
            created=cluster.get("ClusterCreateTime"),
            nodes=cluster["NumberOfNodes"],
            node_type=cluster["NodeType"],
            parameter_group=next(
                (
                    group["ParameterGroupName"]
                    for group in cluster.get("ClusterParameterGroups", [])
                    if group.get("ParameterApplyStatus") == "in-sync"
                ),
                "",
            ),
        )

    def _origin(self, cluster: "ClusterTypeDef") -> tuple[str, str]:
        """Return the owner of the cluster, and the snapshot that it was restored from.

        A cluster from a snapshot gets its tags only after it is made. Until then its parameter group tells the owner.
        """
        values = tags.read(cluster.get("Tags", []))
        snapshot = values.get(tags.SNAPSHOT, "")
        if snapshot or not cluster.get("RestoreStatus"):
            return tags.owner(cluster.get("Tags", [])), snapshot
        groups = [group.get("ParameterGroupName") for group in cluster.get("ClusterParameterGroups", [])]
        if parameter_group.group_name(self.name) not in groups:
            return tags.owner(cluster.get("Tags", [])), ""
        group = parameter_group.find_group(self.client, self.name)
        return tags.owner(group.get("Tags", []) if group else []), snapshots.UNKNOWN

    def create(self, spec: ClusterSpec, role: str, group: str, password: str) -> None:
        """Have the cluster made, its subnet group and its parameter group first, unless it is there.

        An empty password is left to Secrets Manager.
        """
        if self.find():
            return
        parameters, subnets = self._ensure_groups(spec)
        request = requests.cluster(
            spec, role_arn=role, group=group, parameters=parameters, subnets=subnets, password=password
        )
        retry_new_role(lambda: self.client.create_cluster(**request))

    def _ensure_groups(self, spec: ClusterSpec) -> tuple[str, str]:
        """Make the parameter group and, where dwh.cfg names subnets, the subnet group; return their names."""
        subnets = subnet_group.ensure_group(self.client, spec) if spec.own.subnet_ids else spec.subnet_group
        return parameter_group.ensure_group(self.client, spec), subnets

    def check_offer(self, spec: ClusterSpec) -> None:
        """Raise AwsError where AWS does not offer this node type, or not this kind of cluster of it, in the region."""
        offers.check_nodes(self.client, spec)

    def check_snapshot(self, spec: ClusterSpec, snapshot: str) -> None:
        """Raise AwsError for a snapshot that is not there, or that does not suit the spec."""
        snapshots.check_size(self.client, spec, snapshots.check_cluster_snapshot(self.client, spec, snapshot))

    def check_new_snapshot(self, snapshot: str) -> None:
        """Raise AwsError where the name of the last snapshot is taken, unless a deletion under way makes it."""
        if self._state() not in ("gone", *DELETING):
            snapshots.check_cluster_name(self.client, snapshot)

    def restore(self, spec: ClusterSpec, role: str, group: str, snapshot: str, *, managed: bool) -> None:
        """Have the cluster made from a snapshot unless it is there, and then tagged: the request takes no tags."""
        info = self.find()
        if info is None:
            found = snapshots.check_cluster_snapshot(self.client, spec, snapshot)
            parameters, subnets = self._ensure_groups(spec)
            placed = requests.placement(spec, role, group, parameters, subnets)
            request = snapshots.cluster_request(placed, found, spec, managed=managed)
            retry_new_role(lambda: self.client.restore_from_cluster_snapshot(**request))
        if info is None or info.snapshot == snapshots.UNKNOWN:
            partition, account = role.split(":")[1], role.split(":")[4]  # the role is of the cluster's account
            arn = f"arn:{partition}:redshift:{self.region}:{account}:cluster:{self.name}"
            own = tags.as_list(spec.name, (*spec.own.tags, (tags.SNAPSHOT, snapshot)))
            poll(f"tags of cluster {self.name}", partial(self._tag, arn, own), minutes=30)

    def _tag(self, arn: str, own: list[Any]) -> tuple[str, bool | None]:
        """Try to tag the cluster, which AWS may refuse while it makes it."""
        try:
            self.client.create_tags(ResourceName=arn, Tags=own)
        except (self.client.exceptions.InvalidClusterStateFault, self.client.exceptions.ResourceNotFoundFault):
            return "not to be set yet", None
        return "set", True

    def wait(self, state: str = "available") -> ClusterInfo:
        """Wait for a state that is on its way; raise AwsError for one from which none leads there."""

        def check() -> tuple[str, ClusterInfo | None]:
            """Where it is now."""
            info = self.find()
            if info is None:
                raise AwsError(f"The cluster {self.name} is gone.")
            if info.state in (*BROKEN, *DELETING):
                raise AwsError(f"The cluster {self.name} is {info.state}: it will not become {state}.")
            if state == "available" and info.state == "paused":
                raise AwsError(
                    f"The cluster {self.name} is paused: resume it with "
                    f"`python infra/cluster_status.py{same_config()} --resume`."
                )
            return info.state, info if info.state == state and (info.host or state != "available") else None

        return poll(f"cluster {self.name}", check, minutes=30)

    def attach_role(self, info: ClusterInfo, role: str) -> None:
        """Let the cluster use the role, if it does not yet, and wait until it can: a COPY would fail before."""
        if role in info.roles:
            return
        if role not in info.roles_adding:
            self._ask(lambda: self.client.modify_cluster_iam_roles(ClusterIdentifier=self.name, AddIamRoles=[role]))

        def check() -> tuple[str, bool | None]:
            """Where it is now."""
            return "role adding", role in self.wait().roles or None

        poll(f"cluster {self.name}", check, minutes=10)

    def pause(self) -> None:
        """Have the cluster paused."""
        self._ask(lambda: self.client.pause_cluster(ClusterIdentifier=self.name), ("pausing", "paused"))

    def resume(self) -> None:
        """Have the cluster resumed."""
        self._ask(lambda: self.client.resume_cluster(ClusterIdentifier=self.name), ("resuming", "available"))

    def _ask(self, call: Callable[[], object], done: tuple[str, ...] = ()) -> None:
        """Make a call until AWS takes it; `done` are states that it leads to.

        While another operation runs AWS refuses with InvalidClusterState, also where the state reads available or
        paused. A request that seemed to be lost may have got through.
        """
        refused = False

        def check() -> tuple[str, bool | None]:
            """Try it."""
            nonlocal refused
            state = self._state()
            if refused and state in done:
                return state, True
            try:
                call()
            except self.client.exceptions.InvalidClusterStateFault as error:
                refused = True
                return f"{state} ({error_message(error)})", None
            return state, True

        poll(f"cluster {self.name}", check, minutes=10)

    def _state(self) -> str:
        """Return the state; "gone" if there is no such cluster."""
        info = self.find()
        return info.state if info else "gone"

    def delete(self, snapshot: str) -> None:
        """Delete the cluster and wait until it is gone; with a snapshot of this name, or "" for none."""
        last: dict[str, Any] = {"SkipFinalClusterSnapshot": True}
        if snapshot:
            last = {"SkipFinalClusterSnapshot": False, "FinalClusterSnapshotIdentifier": snapshot}

        def check() -> tuple[str, bool | None]:
            """Ask for it until AWS does it: a cluster on which an operation runs cannot be deleted yet."""
            state = self._state()
            if state == "gone":
                return state, True
            if state not in DELETING:
                try:
                    self.client.delete_cluster(ClusterIdentifier=self.name, **last)
                except self.client.exceptions.InvalidClusterStateFault as error:
                    return f"{state} ({error_message(error)})", None
                except self.client.exceptions.ClusterNotFoundFault:
                    return "gone", True
            return "deleting", None

        poll(f"cluster {self.name}", check, minutes=45)

    def tls_required(self, info: ClusterInfo) -> bool | None:
        """Whether the cluster refuses connections without TLS; None: unknown."""
        return parameter_group.tls_required(self.client, info.parameter_group) if info.parameter_group else None

    def credentials(self, user: str, dbname: str) -> tuple[str, str]:
        """A database user and password for the next 15 minutes, for a user that is there."""
        answer = self.client.get_cluster_credentials(
            ClusterIdentifier=self.name, DbUser=user, DbName=dbname, DurationSeconds=900, AutoCreate=False
        )
        return answer["DbUser"], answer["DbPassword"]

    def changes(self, spec: ClusterSpec, info: ClusterInfo) -> list[Change]:
        """List what dwh.cfg wants otherwise and AWS can change in place."""
        return changes.of_cluster(self.client, spec, info)

    def leftovers(self) -> list[str]:
        """What still costs money in the region, and how to remove it: our clusters, and the snapshots of this one."""
        return leftovers.of_clusters(self.client, self.name)


def _roles(cluster: "ClusterTypeDef", status: str) -> tuple[str, ...]:
    """List the roles of a cluster that have this status."""
    return tuple(role["IamRoleArn"] for role in cluster.get("IamRoles", []) if role.get("ApplyStatus") == status)
