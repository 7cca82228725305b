"""Redshift Serverless: a namespace (the data) and a workgroup (the computing), both of one name, as one cluster.

boto3 has no waiters for them, so they are looked at here until their status is right. They pause by themselves.
"""

import boto3
from botocore.exceptions import ClientError

from infra.aws import tags
from infra.aws.client_errors import error_code
from infra.aws.cluster import ClusterInfo, how_to_destroy
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.polling import poll, retry_new_role
from infra.aws.session import CLIENT_CONFIG
from infra.errors import AwsError


class Serverless:
    """The namespace and the workgroup of this name, there or not."""

    word = "workgroup"

    def __init__(self, session: boto3.Session, name: str):
        """Make the client; nothing is asked yet."""
        self.name = name
        self.client = session.client("redshift-serverless", config=CLIENT_CONFIG)
        self.missing = self.client.exceptions.ResourceNotFoundException

    def _namespace(self) -> dict | None:
        """The namespace as AWS describes it."""
        try:
            return self.client.get_namespace(namespaceName=self.name)["namespace"]
        except self.missing:
            return None

    def _workgroup(self) -> dict | None:
        """The workgroup as AWS describes it."""
        try:
            return self.client.get_workgroup(workgroupName=self.name)["workgroup"]
        except self.missing:
            return None

    def _owner(self, arn: str) -> str:
        """The owner in the tags of one of them."""
        return tags.owner(self.client.list_tags_for_resource(resourceArn=arn)["tags"])

    def find(self) -> ClusterInfo | None:
        """What AWS says of both; None: there is neither. With one of them only, the state is `half-made`."""
        namespace, workgroup = self._namespace(), self._workgroup()
        owners = [
            self._owner(each[key]) for each, key in ((namespace, "namespaceArn"), (workgroup, "workgroupArn")) if each
        ]
        if not owners:
            return None
        owner = owners[0] if len(set(owners)) == 1 else ""
        roles = tuple(_arn(role) for role in (namespace or {}).get("iamRoles", []))
        if not (namespace and workgroup):
            state = (namespace or workgroup)["status"].lower()
            return ClusterInfo(state="half-made" if state == "available" else state, owner=owner, roles=roles)
        states = [each["status"].lower() for each in (workgroup, namespace)]
        endpoint = workgroup.get("endpoint", {})
        return ClusterInfo(
            state=next((state for state in states if state != "available"), "available"),
            owner=owner,
            host=endpoint.get("address", ""),
            port=endpoint.get("port", 0),
            size=f"{workgroup.get('baseCapacity', 0)} RPU",
            version=workgroup.get("workgroupVersion", ""),
            public=workgroup.get("publiclyAccessible", False),
            encrypted=True,
            roles=roles,
            groups=tuple(workgroup.get("securityGroupIds", [])),
            created=workgroup.get("creationDate"),
        )

    def create(self, target: ClusterSpec, role: str, group: str, password: str) -> None:
        """Have made what is not there: namespace, workgroup, and the daily limit after which queries are refused."""
        tag_pairs = [{"key": key, "value": value} for key, value in tags.as_dict(self.name).items()]
        if self._namespace() is None:
            secret = {"adminUserPassword": password} if password else {"manageAdminPassword": True}
            request = {"namespaceName": self.name, "dbName": target.dbname, "adminUsername": target.user}
            request |= {"iamRoles": [role], "tags": tag_pairs} | secret
            retry_new_role(lambda: self.client.create_namespace(**request))
        self._wait_for("namespace", self._namespace)
        if self._workgroup() is None:
            self.client.create_workgroup(
                workgroupName=self.name,
                namespaceName=self.name,
                baseCapacity=target.base_rpu,
                port=target.port,
                publiclyAccessible=target.public,
                securityGroupIds=[group],
                configParameters=[{"parameterKey": "require_ssl", "parameterValue": "true"}],
                tags=tag_pairs,
            )
        arn = self._wait_for("workgroup", self._workgroup)["workgroupArn"]
        if not self.client.list_usage_limits(resourceArn=arn, usageType="serverless-compute").get("usageLimits"):
            self.client.create_usage_limit(
                resourceArn=arn,
                usageType="serverless-compute",
                period="daily",
                amount=target.daily_rpu_hours,
                breachAction="deactivate",
            )

    def _wait_for(self, word: str, get) -> dict:
        """Wait until the namespace or the workgroup is available."""

        def look() -> tuple[str, dict | None]:
            """Where it is now."""
            thing = get()
            state = thing["status"].lower() if thing else "not to be seen yet"
            if state == "deleting":
                raise AwsError(f"The {word} {self.name} is being deleted: run this again when it is gone.")
            return state, thing if state == "available" else None

        return poll(f"{word} {self.name}", look, minutes=20)

    def wait(self, state: str = "available", minutes: int = 20) -> ClusterInfo:
        """Wait until both are available: there is no other state to wait for."""

        def look() -> tuple[str, ClusterInfo | None]:
            """Where they are now."""
            found = self.find()
            if found is None or found.state in ("deleting", "half-made"):
                what = "gone" if found is None else found.state
                raise AwsError(f"The workgroup {self.name} is {what}: it will not become {state}.")
            return found.state, found if found.state == state and found.host else None

        return poll(f"workgroup {self.name}", look, minutes=minutes)

    def attach_role(self, found: ClusterInfo, role: str) -> None:
        """Let the namespace use the role, if it does not yet."""
        if role not in found.roles:
            self.client.update_namespace(namespaceName=self.name, iamRoles=[*found.roles, role])
            self.wait()

    def delete(self, snapshot: str) -> None:
        """Delete limit, workgroup and namespace and wait until they are gone; with a snapshot unless the name is ""."""
        if workgroup := self._workgroup():
            limits = self.client.list_usage_limits(resourceArn=workgroup["workgroupArn"])
            for limit in limits.get("usageLimits", []):
                self.client.delete_usage_limit(usageLimitId=limit["usageLimitId"])
        self._delete("workgroup", self._workgroup, lambda: self.client.delete_workgroup(workgroupName=self.name))
        last = {"finalSnapshotName": snapshot} if snapshot else {}
        self._delete(
            "namespace", self._namespace, lambda: self.client.delete_namespace(namespaceName=self.name, **last)
        )

    def _delete(self, word: str, get, delete) -> None:
        """Ask for the deletion until AWS does it (not while the thing is being changed), and wait for the end."""

        def look() -> tuple[str, bool | None]:
            """Where it is now."""
            thing = get()
            if thing is None:
                return "gone", True
            if thing["status"].lower() == "deleting":
                return "deleting", None
            try:
                delete()
            except self.missing:
                return "gone", True
            except ClientError as error:
                if error_code(error) != "ConflictException":
                    raise
                return thing["status"].lower(), None
            return "deleting", None

        poll(f"{word} {self.name}", look, minutes=30)

    def tls_required(self, found: ClusterInfo) -> bool | None:
        """Whether connections without TLS are refused, as `create` sets it."""
        workgroup = self._workgroup() or {}
        values = {each["parameterKey"]: each["parameterValue"] for each in workgroup.get("configParameters", [])}
        return {"true": True, "false": False}.get(values.get("require_ssl", ""))

    def credentials(self, user: str, dbname: str) -> tuple[str, str]:
        """A database user and password for the next 15 minutes; the user is the caller's own IAM identity."""
        answer = self.client.get_credentials(workgroupName=self.name, dbName=dbname, durationSeconds=900)
        return answer["dbUser"], answer["dbPassword"]

    def leftovers(self) -> list[str]:
        """What may still cost money, and how to remove it: what carries our tag, and the snapshots of this one."""
        left = []
        for word in ("workgroup", "namespace"):
            for page in self.client.get_paginator(f"list_{word}s").paginate():
                for thing in page[f"{word}s"]:
                    if owner := self._owner(thing[f"{word}Arn"]):
                        state = thing["status"].lower()
                        left.append(f"{word} {owner} ({state}): {how_to_destroy(owner, 'serverless')}")
        command = f"aws redshift-serverless delete-snapshot --region {self.client.meta.region_name} --snapshot-name"
        for page in self.client.get_paginator("list_snapshots").paginate():
            for snapshot in page.get("snapshots", []):
                name = snapshot["snapshotName"]
                if snapshot["namespaceName"] == self.name:
                    left.append(f"snapshot {name} of {self.name}, billed for its storage: run `{command} {name}`")
        return left


def _arn(role: str) -> str:
    """The ARN in AWS's text for a role of a namespace: itself, or `IamRole(applyStatus=in-sync, iamRoleArn=...)`."""
    return role.partition("iamRoleArn=")[2].rstrip(")").partition(",")[0] or role
