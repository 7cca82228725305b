"""Redshift Serverless, which moto does not have: served over HTTP by moto_aws.py, or in a test's own process."""

from datetime import datetime, timezone

MARKED = {  # secrets that no output may show
    "KEY": "AKIAMARKEDKEY",
    "SECRET": "marked-secret-key-0123456789",
    "TOKEN": "marked-session-token-0123456789",
    "PASSWORD": "MarkedPassw0rd",
}


def error(code: str, message: str = "no reason given") -> dict:
    """The response with which AWS refuses."""
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


class ServerlessFake:
    """Redshift Serverless in memory: what is made or deleted takes a number of looks to be so."""

    def __init__(self, looks: int = 2):
        """An empty account."""
        self.looks = looks
        self.things: dict[str, dict] = {}  # by ARN: kind, body, tags, looks left until the next status
        self.limits: dict[str, dict] = {}
        self.snapshots: list[dict] = []

    def __call__(self, operation: str, params: dict) -> dict:
        """Answer a call."""
        for kind in ("Namespace", "Workgroup"):
            if operation.endswith(kind):
                return getattr(self, f"_{operation.removesuffix(kind).lower()}")(kind.lower(), params)
        return getattr(self, f"_{operation}")(params)

    def _arn(self, kind: str, params: dict) -> str:
        """The ARN of a thing, by its name."""
        return f"arn:aws:redshift-serverless:us-west-2:123456789012:{kind}/{params[kind + 'Name']}"

    def _create(self, kind: str, params: dict) -> dict:
        """Begin to make a thing."""
        arn = self._arn(kind, params)
        if arn in self.things:
            return error("ConflictException")
        if kind == "workgroup" and self.things[self._arn("namespace", params)]["body"]["status"] != "AVAILABLE":
            return error("ConflictException", "the namespace is not available")
        hidden = ("tags", "adminUserPassword", "manageAdminPassword", "configParameters")
        body = {key: value for key, value in params.items() if key not in hidden}
        body |= {f"{kind}Arn": arn, "status": "CREATING", "creationDate": datetime.now(timezone.utc)}
        if kind == "workgroup":
            body["endpoint"] = {"address": f"{params['workgroupName']}.1.us-west-2.redshift-serverless.amazonaws.com"}
            body["endpoint"]["port"] = params["port"]
            body["configParameters"] = params["configParameters"]
        else:
            body["iamRoles"] = [f"IamRole(applyStatus=in-sync, iamRoleArn={role})" for role in params["iamRoles"]]
        self.things[arn] = {"body": body, "tags": params["tags"], "left": self.looks, "asked": params}
        return {kind: dict(body)}

    def _get(self, kind: str, params: dict) -> dict:
        """Look at a thing, which brings it a step further."""
        arn = self._arn(kind, params)
        if arn not in self.things:
            return error("ResourceNotFoundException")
        thing = self.things[arn]
        thing["left"] -= 1
        if thing["left"] < 0:
            if thing["body"]["status"] == "DELETING":
                del self.things[arn]
                return error("ResourceNotFoundException")
            thing["body"]["status"] = "AVAILABLE"
        return {kind: dict(thing["body"])}

    def _update(self, kind: str, params: dict) -> dict:
        """Change a thing at once."""
        body = self.things[self._arn(kind, params)]["body"]
        body.update(params)
        return {kind: dict(body)}

    def _delete(self, kind: str, params: dict) -> dict:
        """Begin to delete a thing, which must be ready."""
        arn = self._arn(kind, params)
        if arn not in self.things:
            return error("ResourceNotFoundException")
        thing = self.things[arn]
        if thing["body"]["status"] != "AVAILABLE":
            return error("ConflictException", "there is an operation running")
        if kind == "namespace" and self._arn("workgroup", {"workgroupName": params["namespaceName"]}) in self.things:
            return error("ConflictException", "there is a workgroup")
        if "finalSnapshotName" in params:
            name = {"snapshotName": params["finalSnapshotName"], "namespaceName": params["namespaceName"]}
            self.snapshots.append(name)
        thing["body"]["status"], thing["left"] = "DELETING", self.looks
        return {kind: dict(thing["body"])}

    def _list(self, kind: str) -> dict:
        """All things of a kind, which none of them is changed by."""
        return {f"{kind}s": [dict(thing["body"]) for arn, thing in self.things.items() if f":{kind}/" in arn]}

    def _ListNamespaces(self, params: dict) -> dict:
        """All namespaces."""
        return self._list("namespace")

    def _ListWorkgroups(self, params: dict) -> dict:
        """All workgroups."""
        return self._list("workgroup")

    def _ListTagsForResource(self, params: dict) -> dict:
        """The tags of a thing."""
        return {"tags": self.things[params["resourceArn"]]["tags"]}

    def _CreateUsageLimit(self, params: dict) -> dict:
        """Set a limit."""
        limit = params | {"usageLimitId": f"limit-{len(self.limits)}"}
        self.limits[limit["usageLimitId"]] = limit
        return {"usageLimit": dict(limit)}

    def _ListUsageLimits(self, params: dict) -> dict:
        """The limits of a thing."""
        limits = [each for each in self.limits.values() if each["resourceArn"] == params["resourceArn"]]
        return {"usageLimits": limits} if limits else {}

    def _DeleteUsageLimit(self, params: dict) -> dict:
        """Take a limit away."""
        return {"usageLimit": self.limits.pop(params["usageLimitId"])}

    def _ListSnapshots(self, params: dict) -> dict:
        """All snapshots."""
        return {"snapshots": self.snapshots}

    def _GetCredentials(self, params: dict) -> dict:
        """A user and a password."""
        return {"dbUser": "IAMR:someone", "dbPassword": MARKED["PASSWORD"]}
