"""Open the cluster's port to your own address, and check it by connecting. --close closes it again.

The address is the one that AWS sees you come from; --cidr names another one, or a network. With --close and without
--cidr it is closed to everybody.
"""

import argparse
import ipaddress
import ssl
import sys
import urllib.request
from contextlib import closing
from dataclasses import replace
from pathlib import Path

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from infra import cli
from infra.aws import connection as aws_connection
from infra.aws import security_group
from infra.aws.cluster import ClusterInfo
from infra.aws.context import Context, make_context
from infra.aws.session import CA_BUNDLE
from infra.errors import AwsError, WarehouseError, same_config

CHECK_IP = "https://checkip.amazonaws.com"


def own_network() -> security_group.Network:
    """The address that AWS sees the caller come from, as a network of one."""
    context = ssl.create_default_context(cafile=str(CA_BUNDLE))
    try:
        with urllib.request.urlopen(CHECK_IP, timeout=10, context=context) as answer:
            return ipaddress.ip_network(answer.read(100).decode("ascii").strip())
    except (OSError, ValueError) as error:
        raise AwsError(
            f"Your address cannot be had from {CHECK_IP} ({error}): give it with --cidr, such as --cidr 203.0.113.7."
        ) from None


def network(text: str) -> security_group.Network:
    """An address or a network in CIDR notation, for argparse."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def too_wide(who: security_group.Network) -> str:
    """Why a network is not let in unasked, "" for one that is narrow enough."""
    widest = 8 if who.version == 4 else 32
    return "" if who.prefixlen >= widest else f"{who} lets in (nearly) everyone: name your own network"


def check_connection(context: Context, info: ClusterInfo, *, own: bool) -> None:
    """Connect and ask for the version; failing is an error only for the caller's own address."""
    settings = context.settings
    if settings.embedded:
        settings = replace(settings, host=info.host, port=info.port, dbname=context.spec.dbname)
        settings = replace(settings, user=context.spec.user, password=context.spec.password)
    try:
        with closing(aws_connection.connect(settings)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT version()")
            print("Connected:", *(cursor.fetchone() or ()))
    except WarehouseError as error:
        if own:
            raise
        print(f"From this machine: {error}")


def refuse_own_group(context: Context) -> None:
    """Raise AwsError where the security group is the user's own, which these scripts do not change."""
    if group := context.spec.own.security_group:
        raise AwsError(
            f"The security group {group} of [DWH] DWH_SECURITY_GROUP is your own, and these scripts do not change it: "
            f"change who may reach port {context.spec.port} where you made it."
        )


def close_port(context: Context, who: security_group.Network | None = None, *, dry_run: bool = False) -> None:
    """Close the port of the cluster's own security group to a network, or to everybody."""
    ec2 = context.ec2
    refuse_own_group(context)
    groups = security_group.find_groups(ec2, context.spec.name)
    if dry_run:
        shut = [
            each for group in groups for each, _ in security_group.open_to(group) if who is None or each == str(who)
        ]
        print(f"Would close the port to: {', '.join(shut) or 'nobody, it is closed'}.")
    else:
        answers = [security_group.close_port(ec2, group, who) for group in groups]
        shut, kept = ([each for answer in answers for each in answer[part]] for part in (0, 1))
        print(f"Closed the port to: {', '.join(shut) or 'nobody, it was closed' * (not kept) or 'nobody'}.")
        if kept:
            raise AwsError(f"AWS did not close it to {', '.join(kept)}: their rules have just been changed.")


def open_port(
    context: Context, who: security_group.Network | None = None, *, anyone: bool = False, dry_run: bool = False
) -> None:
    """Open the port of the cluster's own security group to a network, or to the caller's own address, and connect.

    A very wide network must be meant: `anyone`.
    """
    if who and not anyone and too_wide(who):
        raise AwsError(f"{too_wide(who)}.")
    refuse_own_group(context)
    ec2, name = context.ec2, context.spec.name
    groups = security_group.find_groups(ec2, name)
    info = context.cluster.find()
    if info is None or not (groups and info.groups):
        raise AwsError(
            f"There is no {context.cluster.kind} {name} with its security group: run create_cluster.py{same_config()}."
        )
    used = [group for group in groups if group["GroupId"] in info.groups]
    if not used:
        made, has = ", ".join(group["GroupId"] for group in groups), ", ".join(info.groups)
        raise AwsError(
            f"The {context.cluster.kind} {name} does not have the security group {made} that was made for it (it has: "
            f"{has}): attach that one to it in AWS's console, or open the port in the one that it has."
        )
    port, own = info.port or context.spec.port, who is None
    who = who or own_network()
    if dry_run:
        print(f"Would open port {port} of {name} to {who}.")
        return
    new = security_group.open_port(ec2, used[0], who, port)
    print(f"Port {port} of {name} {'is now' if new else 'was already'} open to {who}.", flush=True)
    check_connection(context, info, own=own)


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = cli.make_parser(__doc__, "say what would be opened or closed, and change nothing")
    parser.add_argument("--cidr", metavar="NETWORK", type=network, help="this address or network, not your own")
    parser.add_argument(
        "--anyone", action="store_true", help="really open it to the whole world, or a large part of it"
    )
    parser.add_argument("--close", action="store_true", help="take away the rule of --cidr, or all rules")
    options = parser.parse_args(argv)
    if options.anyone and options.cidr is None and not options.close:
        options.cidr = ipaddress.ip_network("0.0.0.0/0")
    if options.cidr and not options.close and not options.anyone and too_wide(options.cidr):
        parser.error(f"{too_wide(options.cidr)}, or add --anyone")

    def work() -> int:
        """Open or close the port."""
        context = make_context(options.config)
        if options.close:
            close_port(context, options.cidr, dry_run=options.dry_run)
        else:
            open_port(context, options.cidr, anyone=options.anyone, dry_run=options.dry_run)
        return 0

    return cli.run("open_incoming_port", work, "Run it again and it goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
