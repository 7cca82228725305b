"""Say how the Redshift cluster of dwh.cfg is: state, endpoint, nodes, version, role, who may reach it, age and cost.

The exit code is 0 if it is available (after --pause: paused), 1 if not or not yet, 3 if there is no such cluster.
"""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from infra import cli
from infra.aws import prices, security_group
from infra.aws.cluster import ClusterInfo
from infra.aws.context import Context, make_context
from infra.aws.endpoint import check_account
from infra.aws.polling import poll
from infra.aws.serverless import NO_PAUSE
from infra.errors import AwsError, same_config

BILL = "AWS Cost Explorer"


def report(context: Context, info: ClusterInfo) -> dict[str, Any]:
    """All that is to be said of the cluster, as --json prints it."""
    spec = context.spec
    opened = [security_group.open_to(group) for group in security_group.attached_groups(context.ec2, info, spec.name)]
    age = (datetime.now(info.created.tzinfo) - info.created).total_seconds() / 3600 if info.created else None
    price = prices.hourly(spec.region, node_type=info.node_type, nodes=info.nodes, rpu=spec.base_rpu)
    return {
        "name": spec.name,
        "region": spec.region,
        "state": info.state,
        "host": info.host,
        "port": info.port,
        "size": info.size,
        "version": info.version,
        "encrypted": info.encrypted,
        "tls_required": context.cluster.tls_required(info),
        "public": info.public,
        "role_attached": any(role.endswith(f"role/{spec.role}") for role in info.roles),
        "role_adding": any(role.endswith(f"role/{spec.role}") for role in info.roles_adding),
        "open_to": sorted({network for group in opened for network, _ in group}),
        "age_hours": None if age is None else round(age, 2),
        "dollars_an_hour": price,
        "secret_dollars_a_month": prices.SECRET_MONTH if info.secret else None,
        "dollars_at_most": None if age is None or price is None or spec.serverless else round(age * price, 2),
    }


def show(facts: dict[str, Any], word: str, serverless: bool) -> str:
    """The facts as lines to read."""
    tls = {
        True: "required",
        False: "not required (these scripts use it all the same)",
        None: "unknown whether required (these scripts use it all the same)",
    }
    cost = f"unknown; see {BILL}"
    if serverless:
        cost = f"unknown: it is billed while queries run; see SYS_SERVERLESS_USAGE or {BILL}"
    elif facts["dollars_at_most"] is not None:
        cost = (
            f"at most ${facts['dollars_at_most']:.2f} so far, at ${facts['dollars_an_hour']:.2f} an hour as if never "
            f"paused or resized; its storage comes on top, see {BILL}"
        )
    role = "being attached" if facts["role_adding"] else f"not attached: run create_cluster.py{same_config()} again"
    role = "attached" if facts["role_attached"] else role
    age = "unknown" if facts["age_hours"] is None else f"{facts['age_hours']:.1f} hours"
    lines = {
        "endpoint": f"{facts['host']}:{facts['port']}" if facts["host"] else "none yet",
        "size": facts["size"] or "unknown",
        "version": facts["version"] or "unknown",
        "TLS": tls[facts["tls_required"]],
        "address": "public" if facts["public"] else "private: only from inside its VPC",
        "role": role,
        "port open to": ", ".join(facts["open_to"]) or "nobody",
        "age": age,
        "cost": cost,
    }
    if facts["secret_dollars_a_month"] is not None:
        lines["password"] = f"kept in AWS Secrets Manager for {prices.describe_secret()}"
    text = "".join(f"\n  {key:<13}{value}" for key, value in lines.items())
    return f"{word.capitalize()} {facts['name']} in {facts['region']}: {facts['state']}{text}"


def change(context: Context, info: ClusterInfo, options: argparse.Namespace) -> None:
    """Pause or resume the cluster, unless it is done or on its way."""
    if info.owner != context.spec.name:
        raise AwsError(f"The cluster {context.spec.name} was not made by these scripts: nothing was changed.")
    if context.spec.serverless:
        raise AwsError(NO_PAUSE)
    before, passing = ("available", ("paused", "pausing")) if options.pause else ("paused", ("available", "resuming"))
    if info.state in passing:
        return
    word = "pause" if options.pause else "resume"
    if info.state != before:
        raise AwsError(f"The cluster is {info.state}: it can be {word}d only when it is {before}.")
    if options.dry_run:
        print(f"Would {word} the cluster {context.spec.name}.", file=sys.stderr)
    elif options.pause:
        context.cluster.pause()
    else:
        context.cluster.resume()


def status(context: Context, options: argparse.Namespace) -> int:
    """Change what is to be changed, wait for it if asked, and say what is there."""
    info = context.cluster.find()
    if info is None:
        check_account(context.settings, context.account()[0])
        if options.json:
            print(json.dumps({"name": context.spec.name, "region": context.spec.region, "state": "none"}))
        else:
            print(f"There is no {context.cluster.kind} {context.spec.name} in {context.spec.region}.")
        return 3
    aim = "paused" if options.pause else "available"
    if options.pause or options.resume:
        change(context, info, options)
    if not options.dry_run:
        if options.resume and options.wait and info.state == "paused":
            wait_for_resuming(context)
        info = context.cluster.wait(aim) if options.wait else context.cluster.find() or info
    facts = report(context, info)
    print(json.dumps(facts, indent=2) if options.json else show(facts, context.cluster.kind, context.spec.serverless))
    return 0 if info.state == aim else 1


def wait_for_resuming(context: Context) -> None:
    """Wait until AWS no longer calls the cluster paused: the request needs a moment to show."""

    def check() -> tuple[str, bool | None]:
        """Where it is now."""
        info = context.cluster.find()
        return ("gone", True) if info is None else (info.state, info.state != "paused" or None)

    poll(f"cluster {context.spec.name}", check, minutes=5)


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = cli.make_parser(__doc__, "with --pause or --resume: say what would be done, and do nothing")
    parser.add_argument("--json", action="store_true", help="print the facts as JSON")
    parser.add_argument("--wait", action="store_true", help="wait until it is available, or paused after --pause")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--pause", action="store_true", help="stop the cluster and its bill; the data are kept")
    either.add_argument("--resume", action="store_true", help="start a paused cluster")
    options = parser.parse_args(argv)
    return cli.run(
        "cluster_status",
        lambda: status(make_context(options.config), options),
        "Run it again and it goes on from here.",
        for_output=True,
    )


if __name__ == "__main__":
    sys.exit(main())
