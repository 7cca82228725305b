"""Destroy the cluster of dwh.cfg with its data, its groups and its role, and look whether anything is left.

Only what create_cluster.py has made and tagged is deleted, also after a create or destroy that was cut off.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from botocore.exceptions import BotoCoreError, ClientError

from infra import cli
from infra.aws import (
    budget,
    config_file,
    iam_role,
    parameter_group,
    pause_schedule,
    policies,
    regions,
    requests,
    security_group,
    snapshots,
    subnet_group,
    tags,
)
from infra.aws.client_errors import explain as explain_aws_error
from infra.aws.client_errors import is_denied
from infra.aws.cluster import ClusterInfo
from infra.aws.cluster_spec import ClusterSpec
from infra.aws.context import Context, make_context
from infra.aws.endpoint import check_account, parse_endpoint
from infra.errors import AwsError


def confirmed(name: str, question: str) -> bool:
    """Whether the user types the cluster's name."""
    print(question)
    return cli.ask(f"Type its name ({name}) to go on:") == name


def clear_config(context: Context, *, role: bool) -> None:
    """Empty HOST in dwh.cfg if it is that of what is destroyed, and ARN if that role is gone, too."""
    values, endpoint = {}, parse_endpoint(context.settings.host)
    if endpoint and (endpoint.name, endpoint.serverless) == (context.spec.name, context.spec.serverless):
        values["CLUSTER", "HOST"] = ""
    own, arn = context.spec.own.role_arn, context.settings.role_arn
    if role and (arn.endswith(f":role/{context.spec.role}") or arn == own):
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


@dataclass(frozen=True)
class Thing:
    """Something to delete."""

    name: str  # with its kind, such as `role sparkify-redshift`
    delete: Callable[[], object]


def find_things(context: Context, info: ClusterInfo | None, snapshot: str, account: str, *, alone: bool) -> list[Thing]:
    """Find what these scripts made, in the order in which AWS lets go of it.

    Without `alone` there is something of the same name and the other kind, which still uses all but the cluster.
    """
    spec, name, redshift, iam, ec2 = context.spec, context.spec.name, context.redshift, context.iam, context.ec2
    things = []
    if info:
        kind = context.cluster.kind
        things.append(Thing(f"{kind} {name} ({info.state})", partial(context.cluster.delete, snapshot)))
    if not alone:
        return things
    if pause_schedule.find(redshift, name):
        things.append(
            Thing(f"scheduled action {requests.pause_name(name)}", partial(pause_schedule.delete, redshift, name))
        )
    if is_ours(parameter_group.find_group(redshift, name), spec, called := parameter_group.group_name(name)):
        things.append(Thing(f"parameter group {called}", partial(parameter_group.delete_group, redshift, name)))
    if is_ours(subnet_group.find_group(redshift, name), spec, called := subnet_group.group_name(name)):
        things.append(Thing(f"subnet group {called}", partial(subnet_group.delete_group, redshift, name)))
    for group in security_group.find_groups(ec2, name):
        delete = partial(security_group.delete_group, ec2, group["GroupId"])
        things.append(Thing(f"security group {group['GroupId']}", delete))
    for role in (policies.pause_role_name(spec), spec.role):
        if is_ours(iam_role.find_role(iam, role), spec, role):
            things.append(Thing(f"role {role}", partial(iam_role.delete_role, iam, role)))
    return things + find_budget(context, account)


def find_budget(context: Context, account: str) -> list[Thing]:
    """Find the budget; whoever may not look at budgets is told so."""
    try:
        if not budget.find(context.budgets, account, context.spec):
            return []
    except (BotoCoreError, ClientError) as error:
        if not is_denied(error):
            raise
        print(f"No budget was looked for: {explain_aws_error(error)}")
        return []
    delete = partial(budget.delete, context.budgets, account, context.spec)
    return [Thing(f"budget {budget.name(context.spec)}", delete)]


def destroy(context: Context, *, snapshot: str = "", yes: bool = False, dry_run: bool = False) -> None:
    """Delete what these scripts made, one after the other, and wait until each is gone.

    With a snapshot of this name, or "" for none. The groups and the role stay where something of the other kind, a
    cluster or a serverless workgroup of the same name, still uses them. Raises ConfigError where dwh.cfg names
    a cluster of another account: it would not be seen.
    """
    spec, cluster, name = context.spec, context.cluster, context.spec.name
    account, _ = context.account()
    check_account(context.settings, account)
    info = cluster.find()
    if info and info.owner != name:
        raise AwsError(f"The {cluster.kind} {name} was not made by these scripts: nothing was deleted.")
    if info and info.stack:
        command = f"aws cloudformation delete-stack --region {spec.region} --stack-name {info.stack}"
        raise AwsError(f"The {cluster.kind} {name} is of the CloudFormation stack {info.stack}: run `{command}`.")
    if info and snapshot:
        cluster.check_new_snapshot(snapshot)
    other, barred = find_other(context)
    things = find_things(context, info, snapshot, account, alone=other is None)
    there = ", ".join(thing.name for thing in things)
    keep = f"a snapshot {snapshot} is kept" if snapshot else "all its data are lost"
    place = f"account {account}, {spec.region}"
    question = f"To be deleted in {place}: {there}; {keep if info else 'there is no data'}."
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
    for thing in things:
        thing.delete()
    print(f"Deleted: {there or 'nothing, there was nothing'}.")
    report_leftovers(context, place, barred)
    clear_config(context, role=other is None and iam_role.find_role(context.iam, spec.role) is None)


def is_ours(thing: Mapping[str, Any] | None, spec: ClusterSpec, called: str) -> bool:
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
    report_other_regions(context)


def report_other_regions(context: Context) -> None:
    """Look into every other region that the account has enabled, and say what of these scripts costs money there."""
    try:
        others = [region for region in regions.list_enabled(context.ec2) if region != context.spec.region]
    except (BotoCoreError, ClientError) as error:
        if not is_denied(error):
            raise
        print(f"The other regions were not looked at: {explain_aws_error(error)}")
        return
    left, unseen = regions.leftovers(context.session, others, context.spec.name)
    if left:
        print("Left in other regions, and costing money:", *left, sep="\n  ")
    else:
        print(f"Nor is there anything in {len(others) - len(unseen)} other regions of the account.")
    for region, reason in unseen.items():
        print(f"{region} was not looked at: {reason}")


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = cli.make_parser(__doc__, "say what would be deleted, and delete nothing")
    parser.add_argument(
        "--snapshot", metavar="NAME", type=snapshots.new_snapshot_name, help="keep the data in a snapshot"
    )
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
