"""Redshift Serverless: a namespace (the data) and a workgroup (the computing), both of one name, as one cluster.

boto3 has no waiters for them, so they are looked at here until their status is right. They pause by themselves.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.aws import changes, leftovers, offers, requests, snapshots, tags
from infra.aws.client_errors import error_code, error_message
from infra.aws.cluster import Change, ClusterInfo
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import ask_serverless, poll, retry_new_role
from infra.aws.session import CLIENT_CONFIG
from infra.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_redshift_serverless import RedshiftServerlessClient
    from mypy_boto3_redshift_serverless.type_defs import NamespaceTypeDef, TagTypeDef, WorkgroupTypeDef

NO_PAUSE = "Redshift Serverless pauses by itself: it costs nothing while no query runs."


class Serverless:
    """The namespace and the workgroup of this name, there or not."""

    kind = "workgroup"

    def __init__(self, session: boto3.Session, name: str, region: str | None = None, config: Config = CLIENT_CONFIG):
        """Make the client, by default for the session's region; nothing is asked yet."""
        self.name = name
        self.client: RedshiftServerlessClient = session.client("redshift-serverless", region_name=region, config=config)
        self.region = self.client.meta.region_name
        self.missing = self.client.exceptions.ResourceNotFoundException

    def _namespace(self) -> "NamespaceTypeDef | None":
        """The namespace as AWS describes it."""
        try:
            return self.client.get_namespace(namespaceName=self.name)["namespace"]
        except self.missing:
            return None

    def _workgroup(self) -> "WorkgroupTypeDef | None":
        """The workgroup as AWS describes it."""
        try:
            return self.client.get_workgroup(workgroupName=self.name)["workgroup"]
        except self.missing:
            return None

    def _tags(self, arn: str) -> "list[TagTypeDef] | None":
        """Return the tags of one of them; None for one that has just been deleted."""
        try:
            return self.client.list_tags_for_resource(resourceArn=arn)["tags"]
        except self.missing:
            return None

    def _owner(self, arn: str) -> str | None:
        """Return the owner in the tags of one of them; None for one that has just been deleted."""
        values = self._tags(arn)
        return None if values is None else tags.owner(values)

    def find(self) -> ClusterInfo | None:
        """What AWS says of both; None: there is neither. With one of them only, the state is `half-made`."""
        namespace, workgroup = self._namespace(), self._workgroup()
        values = self._tags(namespace["namespaceArn"]) if namespace else None
        snapshot = tags.read(values or []).get(tags.SNAPSHOT, "")
        owners = [None if values is None else tags.owner(values)]
        owners += [self._owner(workgroup["workgroupArn"])] if workgroup else []
        there = {owner for owner in owners if owner is not None}
        if not there:
            return None
        owner = there.pop() if len(there) == 1 else ""
        roles = _roles(namespace, "in-sync") if namespace else ()
        if not (namespace and workgroup):
            state = (namespace["status"] if namespace else workgroup["status"] if workgroup else "").lower()
            state = "half-made" if state == "available" else state
            return ClusterInfo(state=state, owner=owner, roles=roles, snapshot=snapshot)
        states = [each["status"].lower() for each in (workgroup, namespace)]
        endpoint = workgroup.get("endpoint", {})
        return ClusterInfo(
            state=next((state for state in states if state != "available"), "available"),
            owner=owner,
            host=endpoint.get("address", ""),
            port=endpoint.get("port", 0),
            size=f"{workgroup.get('baseCapacity', 0)} RPU",
            snapshot=snapshot,
            stack=tags.read(values or []).get(tags.STACK, ""),
            secret=bool(namespace.get("adminPasswordSecretArn")),
            base_rpu=workgroup.get("baseCapacity", 0),
            version=workgroup.get("workgroupVersion", ""),
            public=workgroup.get("publiclyAccessible", False),
            encrypted=True,
            roles=roles,
            roles_adding=_roles(namespace, "adding"),
            groups=tuple(workgroup.get("securityGroupIds", [])),
            created=workgroup.get("creationDate"),
        )

    def create(self, spec: ClusterSpec, role: str, group: str, password: str) -> None:
        """Have made what is not there: namespace, workgroup, and the daily limit after which queries are refused."""
        self._ensure(spec, group, requests.namespace(spec, role_arn=role, password=password))

    def _ensure(self, spec: ClusterSpec, group: str, namespace: requests.Request) -> None:
        """Make, one after the other, what is not there."""
        if self._namespace() is None:
            retry_new_role(lambda: self.client.create_namespace(**namespace))
        self._wait_for("namespace")
        if self._workgroup() is None:
            request = requests.workgroup(spec, group=group)
            ask_serverless(f"workgroup {self.name}", lambda: self.client.create_workgroup(**request))
        arn = self._wait_for("workgroup")
        if not self.client.list_usage_limits(resourceArn=arn, usageType="serverless-compute").get("usageLimits"):
            limit = requests.usage_limit(spec, arn)
            ask_serverless(f"workgroup {self.name}", lambda: self.client.create_usage_limit(**limit))

    def check_offer(self, spec: ClusterSpec) -> None:
        """Raise AwsError for the smallest workgroup in a region where AWS has none of it."""
        offers.check_rpu(spec)

    def check_snapshot(self, spec: ClusterSpec, snapshot: str) -> None:
        """Raise AwsError for a snapshot that is not there, or that does not suit the spec."""
        snapshots.check_namespace_snapshot(self.client, spec, snapshot)

    def check_new_snapshot(self, snapshot: str) -> None:
        """Raise AwsError where the name of the last snapshot is taken, unless a deletion under way makes it."""
        if self._status("namespace")[0] not in ("", "deleting"):
            snapshots.check_namespace_name(self.client, snapshot)

    def restore(self, spec: ClusterSpec, role: str, group: str, snapshot: str, *, managed: bool) -> None:
        """Have all made and the snapshot restored into it, once: until that is done, a tag says so."""
        request = requests.restored_namespace(spec, role_arn=role, snapshot=f"{snapshots.PENDING}{snapshot}")
        self._ensure(spec, group, request)
        arn = self._wait_for("namespace")
        if tags.read(self._tags(arn) or []).get(tags.SNAPSHOT) != snapshot:
            snapshots.restore_namespace(self.client, self.name, snapshot, managed=managed)
            self.client.tag_resource(resourceArn=arn, tags=[{"key": tags.SNAPSHOT, "value": snapshot}])

    def _status(self, word: str) -> tuple[str, str]:
        """Return the state of the namespace or the workgroup, "" for one that is not there, and its ARN."""
        if word == "namespace":
            namespace = self._namespace()
            return (namespace["status"].lower(), namespace["namespaceArn"]) if namespace else ("", "")
        workgroup = self._workgroup()
        return (workgroup["status"].lower(), workgroup["workgroupArn"]) if workgroup else ("", "")

    def _wait_for(self, word: str) -> str:
        """Wait until the namespace or the workgroup is available; return its ARN."""

        def check() -> tuple[str, str | None]:
            """Where it is now."""
            state, arn = self._status(word)
            if state == "deleting":
                raise AwsError(f"The {word} {self.name} is being deleted: run this again when it is gone.")
            return state or "not to be seen yet", arn if state == "available" else None

        return poll(f"{word} {self.name}", check, minutes=20)

    def wait(self, state: str = "available") -> ClusterInfo:
        """Wait until both are available: there is no other state to wait for."""

        def check() -> tuple[str, ClusterInfo | None]:
            """Where they are now."""
            info = self.find()
            if info is None or info.state in ("deleting", "half-made"):
                what = "gone" if info is None else info.state
                raise AwsError(f"The workgroup {self.name} is {what}: it will not become {state}.")
            return info.state, info if info.state == state and info.host else None

        return poll(f"workgroup {self.name}", check, minutes=20)

    def attach_role(self, info: ClusterInfo, role: str) -> None:
        """Let the namespace use the role, if it does not yet, and wait until it can."""
        if role in info.roles:
            return
        if role not in info.roles_adding:
            namespace = self._namespace()
            call = partial(
                self.client.update_namespace,
                namespaceName=self.name,
                iamRoles=[*info.roles, *info.roles_adding, role],
                defaultIamRoleArn=namespace.get("defaultIamRoleArn", "") if namespace else "",  # AWS takes both only
            )
            ask_serverless(f"namespace {self.name}", lambda: retry_new_role(call))

        def check() -> tuple[str, bool | None]:
            """Where it is now."""
            return "role adding", role in self.wait().roles or None

        poll(f"namespace {self.name}", check, minutes=10)

    def pause(self) -> None:
        """Refuse: there is nothing to pause."""
        raise AwsError(NO_PAUSE)

    def resume(self) -> None:
        """Refuse: there is nothing to resume."""
        raise AwsError(NO_PAUSE)

    def delete(self, snapshot: str) -> None:
        """Delete limit, workgroup and namespace and wait until they are gone; with a snapshot unless the name is ""."""
        if workgroup := self._workgroup():
            limits = self.client.list_usage_limits(resourceArn=workgroup["workgroupArn"])
            for limit in limits.get("usageLimits", []):
                self.client.delete_usage_limit(usageLimitId=limit["usageLimitId"])
        self._delete("workgroup", lambda: self.client.delete_workgroup(workgroupName=self.name))
        last: dict[str, Any] = {"finalSnapshotName": snapshot} if snapshot else {}
        self._delete("namespace", lambda: self.client.delete_namespace(namespaceName=self.name, **last))

    def _delete(self, word: str, delete: Callable[[], object]) -> None:
        """Ask for the deletion until AWS does it (not while the thing is being changed), and wait for the end."""

        def check() -> tuple[str, bool | None]:
            """Where it is now."""
            state, _ = self._status(word)
            if not state:
                return "gone", True
            if state == "deleting":
                return state, None
            try:
                delete()
            except self.missing:
                return "gone", True
            except ClientError as error:
                if error_code(error) != "ConflictException":
                    raise
                return f"{state} ({error_message(error)})", None
            return "deleting", None

        poll(f"{word} {self.name}", check, minutes=30)

    def tls_required(self, info: ClusterInfo) -> bool | None:
        """Whether connections without TLS are refused, as `create` sets it."""
        workgroup = self._workgroup()
        parameters = workgroup.get("configParameters", []) if workgroup else []
        values = {each.get("parameterKey"): each.get("parameterValue") for each in parameters}
        return {"true": True, "false": False}.get(values.get("require_ssl") or "")

    def credentials(self, user: str, dbname: str) -> tuple[str, str]:
        """A database user and password for the next 15 minutes; the user is the caller's own IAM identity."""
        answer = self.client.get_credentials(workgroupName=self.name, dbName=dbname, durationSeconds=900)
        return answer["dbUser"], answer["dbPassword"]

    def changes(self, spec: ClusterSpec, info: ClusterInfo) -> list[Change]:
        """List what dwh.cfg wants otherwise and AWS can change in place."""
        return changes.of_workgroup(self.client, spec, info)

    def leftovers(self) -> list[str]:
        """What may still cost money, and how to remove it: what carries our tag, and the snapshots of this one."""
        return leftovers.of_workgroups(self.client, self.name)


def _roles(namespace: "NamespaceTypeDef", status: str) -> tuple[str, ...]:
    """List the roles of a namespace that have this status.

    AWS words each as its ARN, or as `IamRole(applyStatus=in-sync, iamRoleArn=...)`.
    """
    found = []
    for text in namespace.get("iamRoles", []):
        role = text.partition("iamRoleArn=")[2].rstrip(")").partition(",")[0] or text
        if (re.findall(r"applyStatus=([\w-]+)", text) or ["in-sync"]) == [status]:
            found.append(role)
    return tuple(found)
