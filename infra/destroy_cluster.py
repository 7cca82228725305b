"""Destroy the cluster of dwh.cfg with its data, its groups and its role, and look whether anything is left.

Only what create_cluster.py has made and tagged is deleted, also after a create or destroy that was cut off.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from botocore.exceptions import BotoCoreError, ClientError

from infra import cli, config_file
from infra.aws import iam_role, parameter_group, security_group, tags
from infra.aws.client_errors import explain as explain_aws_error
from infra.aws.client_errors import is_denied
from infra.aws.cluster import ClusterInfo
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.context import Context, make_context
from infra.aws.endpoint import check_account, parse_endpoint
from infra.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import RoleTypeDef
    from mypy_boto3_redshift.type_defs import ClusterParameterGroupTypeDef


def confirmed(name: str, question: str) -> bool:
    """Whether the user types the cluster's name."""
    print(question)
    return cli.ask(f"Type its name ({name}) to go on:") == name


def clear_config(context: Context, *, role: bool) -> None:
    """Empty HOST in dwh.cfg if it is that of what is destroyed, and ARN if that role is gone, too."""
    values, endpoint = {}, parse_endpoint(context.settings.host)
    if endpoint and (endpoint.name, endpoint.serverless) == (context.spec.name, context.spec.serverless):
        values["CLUSTER", "HOST"] = ""
    if role and context.settings.role_arn.endswith(f":role/{context.spec.role}"):
        values["IAM_ROLE", "ARN"] = ""
    try:
        config_file.set_values(context.path, values)
    except OSError as error:
        keys = " and ".join(f"[{section}] {key}" for section, key in values)
        raise AwsError(f"{context.path} cannot be written ({error.strerror}): empty {keys} there yourself.") from None


def find_other(context: Context) -> tuple[ClusterInfo | None, str]:
    """Find what has the same name and is of the other kind; the text says why the caller may not look for it."""
    try:
        info = context.other.find()
    except (BotoCoreError, ClientError) as error:
        if not is_denied(error):
            raise
        return None, explain_aws_error(error)
    return (info if info and info.owner == context.spec.name else None), ""


def destroy(context: Context, *, snapshot: str = "", yes: bool = False, dry_run: bool = False) -> None:
    """Delete, in this order and waiting between: the cluster, its parameter group, its security group, its role.

    With a snapshot of this name, or "" for none. The groups and the role stay where something of the other kind, a
    cluster or a serverless workgroup of the same name, still uses them. Raises ConfigError where dwh.cfg names
    a cluster of another account: it would not be seen.
    """
    spec, cluster, name = context.spec, context.cluster, context.spec.name
    redshift, iam, ec2 = context.redshift, context.iam, context.ec2
    account, _ = context.account()
    check_account(context.settings, account)
    info = cluster.find()
    if info and info.owner != name:
        raise AwsError(f"The {cluster.kind} {name} was not made by these scripts: nothing was deleted.")
    other, barred = find_other(context)
    parameters, groups, role, role_gone = False, [], False, False
    if other is None:
        parameters = is_ours(parameter_group.find_group(redshift, name), spec, parameter_group.group_name(name))
        groups = [group["GroupId"] for group in security_group.find_groups(ec2, name)]
        found = iam_role.find_role(iam, spec.role)
        role = is_ours(found, spec, spec.role)
        role_gone = role or found is None
    there = [f"{cluster.kind} {name} ({info.state})"] if info else []
    there += [f"parameter group {parameter_group.group_name(name)}"] if parameters else []
    there += [f"security group {group}" for group in groups] + ([f"role {spec.role}"] if role else [])
    keep = f"a snapshot {snapshot} is kept" if snapshot else "all its data are lost"
    place = f"account {account}, {spec.region}"
    question = f"To be deleted in {place}: {', '.join(there)}; {keep if info else 'there is no data'}."
    if dry_run:
        print(
            f"{question}\nNothing was deleted: this was a dry run."
            if there
            else f"There is nothing of {name} in {place}."
        )
        return
    if there and yes:
        print(question, flush=True)
    elif there and not confirmed(name, question):
        raise AwsError("That was not its name: nothing was deleted.")
    if info:
        cluster.delete(snapshot)
    if parameters:
        parameter_group.delete_group(redshift, name)
    for group in groups:
        security_group.delete_group(ec2, group)
    if role:
        iam_role.delete_role(iam, spec.role)
    print(f"Deleted: {', '.join(there) or 'nothing, there was nothing'}.")
    report_leftovers(context, place, barred)
    clear_config(context, role=role_gone)


def is_ours(thing: "RoleTypeDef | ClusterParameterGroupTypeDef | None", spec: ClusterSpec, called: str) -> bool:
    """Whether a role or group was made for this cluster; another's is said to be left alone."""
    if thing and not tags.belongs_to(thing.get("Tags", []), spec.name, spec.region):
        print(f"{called} was not made by these scripts for {spec.name} in {spec.region}: it is left alone.")
        return False
    return thing is not None


def report_leftovers(context: Context, place: str, barred: str) -> None:
    """Look at both kinds and say what is left that costs money, and how to remove it."""
    left = context.cluster.leftovers() + ([] if barred else context.other.leftovers())
    if left:
        print(f"Left in {place}, and costing money:", *left, sep="\n  ")
    elif not barred:
        print(f"Nothing that costs money is left of {context.spec.name} in {place}.")
    if barred:
        print(f"No {context.other.kind} was looked for in {place}: {barred}")


def snapshot_name(text: str) -> str:
    """The name of a snapshot, for argparse; an empty one would mean to lose the data."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = cli.make_parser(__doc__, "say what would be deleted, and delete nothing")
    parser.add_argument("--snapshot", metavar="NAME", type=snapshot_name, help="keep the data in a snapshot")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(argv)

    def work() -> int:
        """Destroy what dwh.cfg names."""
        context = make_context(options.config)
        destroy(context, snapshot=options.snapshot or "", yes=options.yes, dry_run=options.dry_run)
        return 0

    return cli.run("destroy_cluster", work, "Run it again and it goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
