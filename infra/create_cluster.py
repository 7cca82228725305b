"""Create the Redshift cluster that dwh.cfg describes, with its role and its groups, and wait until it runs.

Nobody can reach it before open_incoming_port.py lets an address in. A run that was cut off is finished by running
this again: what is there is kept. At the end HOST and ARN are in dwh.cfg, which only its owner can read.
"""

import argparse
import json
import secrets
import string
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from infra import cli
from infra.aws import (
    budget,
    changes,
    clashes,
    cloudformation,
    config_file,
    iam_role,
    pause_schedule,
    preview,
    security_group,
    snapshots,
)
from infra.aws.cluster import ClusterInfo
from infra.aws.cluster_spec import check_password
from infra.aws.context import Context, make_context
from infra.aws.endpoint import check_account
from infra.aws.guards import is_time
from infra.config import PASSWORD_VARIABLE
from infra.errors import AwsError, ConfigError, same_config


def new_password() -> str:
    """32 letters and digits, with one of each kind that Redshift asks for."""
    letters = string.ascii_letters + string.digits
    while True:
        password = "".join(secrets.choice(letters) for _ in range(32))
        if any(map(str.isupper, password)) and any(map(str.islower, password)) and any(map(str.isdigit, password)):
            return password


def check_given_password(context: Context, *, managed: bool) -> None:
    """Raise ConfigError for a password that Redshift refuses, or that is given where Secrets Manager is to keep one."""
    given = context.spec.password
    if given and managed:
        raise ConfigError(
            f"{context.path}: [CLUSTER] DB_PASSWORD (or {PASSWORD_VARIABLE} in the environment) "
            "has a password: empty it, or leave out --manage-password."
        )
    if given:
        check_password(context.path, given)


def choose_password(context: Context, *, managed: bool) -> str:
    """The password for a new cluster: given, or new and in dwh.cfg before it is used, or "" for Secrets Manager."""
    given = context.spec.password
    if not given and not managed:
        given = new_password()
        config_file.set_values(context.path, {("CLUSTER", "DB_PASSWORD"): given})
        print(f"A password was generated; it is in {context.path}, [CLUSTER] DB_PASSWORD.")
    return given


def write_back(context: Context, info: ClusterInfo, role: str) -> None:
    """Put endpoint and role into dwh.cfg."""
    values = {("CLUSTER", "HOST"): info.host, ("IAM_ROLE", "ARN"): role}
    if info.port != context.settings.port:
        values["CLUSTER", "DB_PORT"] = str(info.port)
    try:
        config_file.set_values(context.path, values)
    except OSError as error:
        lines = [f"[{section}] {key}={value}" for (section, key), value in values.items()]
        raise AwsError(
            f"The {context.cluster.kind} is available, but {context.path} cannot be written ({error.strerror}): "
            f"write {', '.join(lines)} there yourself."
        ) from None


def report_changes(context: Context, info: ClusterInfo, *, apply: bool) -> None:
    """Say what is there and what dwh.cfg wants otherwise."""
    print(f"The {context.cluster.kind} is there already: {info.size or 'half-made'}, {info.state}.", flush=True)
    wanted = context.cluster.changes(context.spec, info) if info.state == "available" else []
    for change in wanted:
        print(f"  {change.describe()}")
    if wanted and not apply:
        print("That stays as it is there: --apply changes it.", flush=True)


def apply_changes(context: Context, info: ClusterInfo) -> ClusterInfo:
    """Have AWS change in place what dwh.cfg wants otherwise, one after the other."""
    for change in context.cluster.changes(context.spec, info):
        print(f"Changing {change.keys} from {change.now} to {change.wanted}.", flush=True)
        changes.apply(context.cluster, context.spec, change)
    return context.cluster.wait()


def check_origin(context: Context, info: ClusterInfo | None, snapshot: str) -> None:
    """Raise AwsError where what is there is not what the snapshot makes, or where the snapshot cannot be restored."""
    kind, name = context.cluster.kind, context.spec.name
    there = info.snapshot.removeprefix(snapshots.PENDING) if info else ""
    if info and info.snapshot.startswith((snapshots.PENDING, snapshots.UNKNOWN)) and not snapshot:
        named = "the same NAME" if there == snapshots.UNKNOWN else there
        raise AwsError(f"The {kind} {name} is being restored: run this with --from-snapshot {named} to go on.")
    if not snapshot:
        return
    if info is None:
        context.cluster.check_snapshot(context.spec, snapshot)
    elif there not in (snapshot, snapshots.UNKNOWN):
        raise AwsError(
            f"There is a {kind} {name} already that was not restored from {snapshot}: destroy it first (with "
            "--snapshot to keep its data), or leave out --from-snapshot."
        )


def create(
    context: Context,
    *,
    managed_policy: bool = False,
    manage_password: bool = False,
    apply: bool = False,
    snapshot: str = "",
    dry_run: bool = False,
) -> None:
    """Do, step by step, what is not done yet."""
    spec, cluster = context.spec, context.cluster
    account, partition = context.account()
    if context.settings.host:
        check_account(context.settings, account)
    info = cluster.find()
    new = info is None
    secret = manage_password and (new or bool(snapshot))
    print(preview.describe(spec, cluster.kind, account, managed_policy=managed_policy, secret=secret), flush=True)
    if snapshot:
        print(preview.describe_snapshot(spec, snapshot), flush=True)
    checks: list[clashes.Check] = [partial(check_origin, context, info, snapshot)]
    if new and not snapshot:
        checks.append(partial(check_given_password, context, managed=manage_password))
    checks += [*clashes.list_checks(context, info, account), partial(config_file.check_writable, context.path)]
    clashes.raise_clashes(checks)
    if info:
        report_changes(context, info, apply=apply)
    if dry_run:
        print("Nothing was made: this was a dry run.")
        return
    password = choose_password(context, managed=manage_password) if new and not snapshot else ""
    role = iam_role.ensure_role(context.iam, spec, account, partition, managed=managed_policy)
    group = security_group.ensure_group(context.ec2, context.redshift, spec)
    if spec.guards.budget_mail:
        budget.ensure(context.budgets, account, spec)
    if snapshot:
        cluster.restore(spec, role, group, snapshot, managed=manage_password)
    else:
        cluster.create(spec, role, group, password)
    if spec.guards.pause_at and not spec.serverless:
        pause_schedule.ensure(context.redshift, context.iam, spec, account, partition)
    if new:
        cost = "" if spec.serverless else "It costs money from now on. "
        print(f"{cost}Waiting until it is available; Ctrl-C stops the waiting only.", flush=True)
    cluster.attach_role(cluster.wait(), role)
    info = cluster.wait()
    if apply:
        info = apply_changes(context, info)
    write_back(context, info, role)
    print(f"Available at {info.host}:{info.port}; HOST and ARN are in {context.path}.")
    if not cluster.tls_required(info):
        print("It may let in connections without TLS: set require_ssl=true in its parameter group, and reboot it.")
    print(f"Next: python infra/open_incoming_port.py{same_config()}")


def pause_time(text: str) -> str:
    """Return a time of the day, for argparse."""
    if not is_time(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 20:00")
    return text


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = cli.make_parser(__doc__, "say what would be made and what it costs, and make nothing")
    parser.add_argument(
        "--manage-password", action="store_true", help="leave the password to AWS Secrets Manager; sign in through IAM"
    )
    parser.add_argument(
        "--managed-policy", action="store_true", help="attach the course's AmazonS3ReadOnlyAccess to the role instead"
    )
    parser.add_argument(
        "--apply", action="store_true", help="change in place what dwh.cfg wants otherwise than it is there"
    )
    parser.add_argument(
        "--from-snapshot",
        metavar="NAME",
        type=snapshots.snapshot_name,
        help="make it from what destroy_cluster.py --snapshot kept",
    )
    parser.add_argument(
        "--pause-at", metavar="HH:MM", type=pause_time, help="have AWS pause it every day at this time (UTC)"
    )
    parser.add_argument(
        "--print-cloudformation", action="store_true", help="print what would be made as a CloudFormation template"
    )
    options = parser.parse_args(argv)

    def work() -> int:
        """Create what dwh.cfg describes."""
        context = make_context(options.config)
        if options.pause_at:
            guards = replace(context.spec.guards, pause_at=options.pause_at)
            context = replace(context, spec=replace(context.spec, guards=guards))
        if options.print_cloudformation:
            template = cloudformation.template(
                context.spec, managed_policy=options.managed_policy, manage_password=options.manage_password
            )
            print(json.dumps(template, indent=2))
            return 0
        create(
            context,
            managed_policy=options.managed_policy,
            manage_password=options.manage_password,
            apply=options.apply,
            snapshot=options.from_snapshot or "",
            dry_run=options.dry_run,
        )
        return 0

    return cli.run("create_cluster", work, "Run it again and it goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
