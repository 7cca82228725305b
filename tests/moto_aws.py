"""moto's server with what moto lacks of Redshift, so that unmodified scripts find it over HTTP.

Of the parameter groups, moto has all but ModifyClusterParameterGroup, and shows every group with the default values:
here a value that was set is kept and shown. Redshift Serverless, which moto does not have at all, is ServerlessFake.
Arguments are those of moto_server.
"""

import json

import moto.server
from moto.core.responses import ActionResult
from moto.redshift.models import RedshiftBackend
from moto.redshift.responses import RedshiftResponse
from serverless_fake import ServerlessFake


def modify_cluster_parameter_group(response: RedshiftResponse) -> ActionResult:
    """Keep the values in the group that they are set for."""
    name = response._get_param("ParameterGroupName")
    (group,) = response.redshift_backend.describe_cluster_parameter_groups(name)
    for parameter in response._get_param("Parameters"):
        vars(group).setdefault("values", {})[parameter["ParameterName"]] = parameter["ParameterValue"]
    return ActionResult({"ParameterGroupName": name, "ParameterGroupStatus": "Your parameter group has been updated"})


def describe_cluster_parameters(backend: RedshiftBackend, parameter_group_name: str) -> list[dict]:
    """The default values, but for those that were set."""
    (group,) = backend.describe_cluster_parameter_groups(parameter_group_name)
    values = vars(group).get("values", {})
    return [
        parameter | {"ParameterValue": values.get(parameter["ParameterName"], parameter["ParameterValue"])}
        for parameter in backend.describe_default_cluster_parameters()
    ]


class Application(moto.server.DomainDispatcherApplication):
    """moto's application, with Redshift Serverless beside it."""

    serverless = ServerlessFake(looks=1)

    def __call__(self, environ: dict, start_response):
        """Answer a request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if environ["PATH_INFO"] == "/moto-api/reset":
            self.serverless = ServerlessFake(looks=1)
        if not target.startswith("RedshiftServerless."):
            return super().__call__(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        answer, status = self.serverless(target.partition(".")[2], json.loads(body)), "200 OK"
        if "Error" in answer:
            answer, status = {"__type": answer["Error"]["Code"], "message": answer["Error"]["Message"]}, "400 Refused"
        start_response(status, [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps(answer, default=str).encode()]


if __name__ == "__main__":
    RedshiftResponse.modify_cluster_parameter_group = modify_cluster_parameter_group
    RedshiftBackend.describe_cluster_parameters = describe_cluster_parameters
    moto.server.DomainDispatcherApplication = Application
    moto.server.main()
