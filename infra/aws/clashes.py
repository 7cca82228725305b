"""What stands in the way of what dwh.cfg wants: AWS is asked before anything is made, and all of it is found at once.

Every question here is free of charge. The quotas of the account are not asked: Redshift tells them to nobody, and the
service that does would be one more permission; a quota that is used up is named when the cluster is asked for.
"""

from collections.abc import Callable
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import iam_role, parameter_group, pause_schedule, security_group, subnet_group
from infra.aws.client_errors import explain, is_denied
from infra.aws.cluster import ClusterInfo
from infra.aws.context import Context
from infra.errors import AwsError, ConfigError, SparkifyError

Check = Callable[[], object]  # raises a SparkifyError for a clash


def list_checks(context: Context, info: ClusterInfo | None, account: str) -> list[Check]:
    """List what is to be asked for what dwh.cfg describes; `info` is what there is of it."""
    spec, iam, redshift = context.spec, context.iam, context.redshift
    checks: list[Check] = [partial(check_owner, context, info)]
    if spec.own.role_arn:
        checks.append(partial(iam_role.check_own_role, iam, spec, account))
    else:
        checks.append(partial(iam_role.check_role, iam, spec, account))
        if spec.own.permissions_boundary:
            checks.append(partial(iam_role.check_boundary, iam, spec))
    checks.append(partial(security_group.check_group, context.ec2, redshift, spec))
    if not spec.serverless:
        checks.append(partial(parameter_group.check_group, redshift, spec.name))
        if spec.own.subnet_ids:
            checks.append(partial(subnet_group.check_group, redshift, spec.name))
        if spec.guards.pause_at:
            checks.append(partial(pause_schedule.check, redshift, iam, spec))
    if info is None or info.size != spec.size:
        checks.append(partial(context.cluster.check_offer, spec))
    return [*checks, partial(check_key, context)]


def check_owner(context: Context, info: ClusterInfo | None) -> None:
    """Raise AwsError where the name is taken by something that these scripts did not make, or that a stack made."""
    kind, name = context.cluster.kind, context.spec.name
    if info and info.owner != name:
        raise AwsError(
            f"There is a {kind} {name} that these scripts did not make: give [DWH] DWH_CLUSTER_IDENTIFIER another name."
        )
    if info and info.stack:
        raise AwsError(
            f"The {kind} {name} is of the CloudFormation stack {info.stack}: deploy the template again to change it, "
            "or give [DWH] DWH_CLUSTER_IDENTIFIER another name."
        )


def check_key(context: Context) -> None:
    """Raise ConfigError for a KMS key of another region, which cannot encrypt the cluster."""
    key, region = context.spec.own.kms_key, context.spec.region
    if key and key.split(":")[3] != region:
        raise ConfigError(f"{context.path}: [DWH] DWH_KMS_KEY is of {key.split(':')[3]}, but the region is {region}.")


def raise_clashes(checks: list[Check]) -> None:
    """Make all checks; raise what they find, each in a line. What the caller may not ask is printed."""
    clashes: list[SparkifyError] = []
    for check in checks:
        try:
            check()
        except SparkifyError as clash:
            clashes.append(clash)
        except (BotoCoreError, ClientError) as error:
            if not is_denied(error):
                raise
            print(f"Not checked: {explain(error)}", flush=True)
    if len(clashes) == 1:
        raise clashes[0]
    if clashes:
        lines = "".join(f"\n  {clash}" for clash in clashes)
        if all(isinstance(clash, ConfigError) for clash in clashes):
            raise ConfigError(f"Nothing was made, for {len(clashes)} reasons:{lines}")
        raise AwsError(f"Nothing was made, for {len(clashes)} reasons:{lines}")
