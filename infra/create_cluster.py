"""Create the Redshift cluster that dwh.cfg describes, with its role and its groups, and wait until it runs.

Nobody can reach it before open_incoming_port.py lets an address in. A run that was cut off is finished by running
this again: what is there is kept. At the end HOST and ARN are in dwh.cfg, which only its owner can read.
"""

import secrets
import string
import sys
from pathlib import Path

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from infra import access, aws, command, dwh_file, parameters, prices
from infra.config import PASSWORD_VARIABLE, ConfigError
from infra.target import Found, check_password


def new_password() -> str:
    """32 letters and digits, with one of each kind that Redshift asks for."""
    letters = string.ascii_letters + string.digits
    while True:
        password = "".join(secrets.choice(letters) for _ in range(32))
        if any(map(str.isupper, password)) and any(map(str.islower, password)) and any(map(str.isdigit, password)):
            return password


def describe(here: command.Here, account: str, *, managed_policy: bool) -> str:
    """What will be there and what it costs, for the user to read before anything is made."""
    target = here.target
    read = "every S3 bucket of the account" if managed_policy else ", ".join(target.sources)
    price = prices.describe(target.region, node_type=target.node_type, nodes=target.nodes, rpu=target.base_rpu)
    own = f"parameter group {parameters.group_name(target.name)}: no connection without TLS"
    if target.serverless:
        own = f"usage limit: {target.daily_rpu_hours} RPU-hours a day, then queries are refused"
    lines = [
        f"In account {account}, region {target.region}, tagged project={aws.PROJECT}:",
        f"  role {target.role}: only Redshift may assume it; it may read {read}",
        f"  security group {target.name}-redshift: lets nobody in until open_incoming_port.py",
        f"  {own}",
        f"  {here.cluster.word} {target.name}: {target.size}, encrypted, TLS required, port {target.port}, "
        f"{'public' if target.public else 'private'} address, database {target.dbname}, user {target.user}",
        f"  price: {price}",
    ]
    return "\n".join(lines)


def choose_password(here: command.Here, *, managed: bool) -> str:
    """The password for a new cluster: given, or new and in dwh.cfg before it is used, or "" for Secrets Manager."""
    given = here.target.password
    if given and managed:
        raise ConfigError(
            f"{here.settings.path}: [CLUSTER] DB_PASSWORD (or {PASSWORD_VARIABLE} in the environment) has a password: "
            "empty it, or leave out --manage-password."
        )
    if given:
        check_password(here.settings, given)
    elif not managed:
        given = new_password()
        dwh_file.set_values(here.settings.path, {("CLUSTER", "DB_PASSWORD"): given})
        print(f"A password was generated; it is in {here.settings.path}, [CLUSTER] DB_PASSWORD.")
    return given


def write_back(here: command.Here, found: Found, role: str) -> None:
    """Put endpoint and role into dwh.cfg."""
    values = {("CLUSTER", "HOST"): found.host, ("IAM_ROLE", "ARN"): role}
    if found.port != here.settings.port:
        values["CLUSTER", "DB_PORT"] = str(found.port)
    dwh_file.set_values(here.settings.path, values)


def create(
    here: command.Here, *, managed_policy: bool = False, manage_password: bool = False, dry_run: bool = False
) -> None:
    """Do, step by step, what is not done yet."""
    target, cluster = here.target, here.cluster
    account, partition = here.account()
    found = cluster.find()
    if found and found.owner != target.name:
        raise aws.AwsError(
            f"There is a {cluster.word} {target.name} that these scripts did not make: "
            "give [DWH] DWH_CLUSTER_IDENTIFIER another name."
        )
    print(describe(here, account, managed_policy=managed_policy), flush=True)
    if found:
        print(f"The {cluster.word} is there already: {found.size or 'half-made'}, {found.state}.", flush=True)
    if dry_run:
        print("Nothing was made: this was a dry run.")
        return
    new = found is None
    password = choose_password(here, managed=manage_password) if new else ""
    role = access.ensure_role(here.client("iam"), target, account, partition, managed=managed_policy)
    ec2 = here.client("ec2")
    group = access.ensure_group(ec2, target, access.find_vpc(ec2, here.client("redshift"), target))
    cluster.create(target, role, group, password)
    if new:
        cost = "" if target.serverless else "It costs money from now on. "
        print(f"{cost}Waiting until it is available; Ctrl-C stops the waiting only.", flush=True)
    cluster.attach_role(cluster.wait(), role)
    found = cluster.wait()
    write_back(here, found, role)
    print(f"Available at {found.host}:{found.port}; HOST and ARN are in {here.settings.path}.")
    if not cluster.tls_required(found):
        print("It may let in connections without TLS: set require_ssl=true in its parameter group, and reboot it.")
    print("Next: python infra/open_incoming_port.py")


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = command.parser(__doc__, "say what would be made and what it costs, and make nothing")
    parser.add_argument(
        "--manage-password", action="store_true", help="leave the password to AWS Secrets Manager; sign in through IAM"
    )
    parser.add_argument(
        "--managed-policy", action="store_true", help="attach the course's AmazonS3ReadOnlyAccess to the role instead"
    )
    options = parser.parse_args(argv)

    def work() -> int:
        """Create what dwh.cfg describes."""
        here = command.open_here(options.config)
        create(
            here,
            managed_policy=options.managed_policy,
            manage_password=options.manage_password,
            dry_run=options.dry_run,
        )
        return 0

    return command.run("create_cluster", work)


if __name__ == "__main__":
    sys.exit(main())
