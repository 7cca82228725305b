"""Destroy the cluster of dwh.cfg with its data, its security group and its role, and look whether anything is left.

Only what create_cluster.py has made and tagged is deleted, also after a create or destroy that was cut off.
"""

import argparse
import sys
from pathlib import Path

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from infra import access, aws, command, dwh_file


def confirmed(name: str, question: str) -> bool:
    """Whether the user types the cluster's name."""
    print(question)
    try:
        return input(f"Type its name ({name}) to go on: ").strip() == name
    except EOFError:
        return False


def forget(here: command.Here) -> None:
    """Empty HOST and ARN in dwh.cfg if they are those of what is destroyed."""
    values = {}
    if here.settings.host.startswith(f"{here.target.name}."):
        values["CLUSTER", "HOST"] = ""
    if here.settings.role_arn.endswith(f":role/{here.target.role}"):
        values["IAM_ROLE", "ARN"] = ""
    dwh_file.set_values(here.settings.path, values)


def destroy(here: command.Here, options: argparse.Namespace) -> int:
    """Delete, in this order and waiting between: the cluster, its security group, its role."""
    target, cluster, name = here.target, here.cluster, here.target.name
    iam, ec2 = here.client("iam"), here.client("ec2")
    found = cluster.find()
    groups = [group["GroupId"] for group in access.find_groups(ec2, name)]
    role = access.find_role(iam, target.role)
    if found and found.owner != name:
        raise aws.AwsError(f"The {cluster.word} {name} was not made by these scripts: nothing was deleted.")
    if role and aws.owner(role.get("Tags", [])) != name:
        print(f"The role {target.role} was not made by these scripts for {name}: it is left alone.")
        role = None
    there = [f"{cluster.word} {name} ({found.state})"] if found else []
    there += [f"security group {group}" for group in groups] + ([f"role {target.role}"] if role else [])
    if there:
        keep = f"a snapshot {options.snapshot} is kept" if options.snapshot else "all its data are lost"
        if not found:
            keep = "there is no data"
        question = f"To be deleted in {target.region}: {', '.join(there)}; {keep}."
        if options.dry_run:
            print(f"{question}\nNothing was deleted: this was a dry run.")
            return 0
        if options.yes:
            print(question, flush=True)
        elif not confirmed(name, question):
            raise aws.AwsError("That was not its name: nothing was deleted.")
    elif options.dry_run:
        print(f"There is nothing of {name} in {target.region}.")
        return 0
    if found:
        cluster.delete(options.snapshot or "")
    for group in groups:
        access.delete_group(ec2, group)
    if role:
        access.delete_role(iam, target.role)
    forget(here)
    return look_round(here, cluster.leftovers(), there)


def look_round(here: command.Here, left: list[str], deleted: list[str]) -> int:
    """Say what was deleted and what is left."""
    print(f"Deleted: {', '.join(deleted) or 'nothing, there was nothing'}.")
    if not left:
        print(f"Nothing that costs money is left of {here.target.name} in {here.target.region}.")
        return 0
    print(f"Left in {here.target.region}, and costing money:")
    for each in left:
        print(f"  {each}")
    return 0


def snapshot_name(text: str) -> str:
    """The name of a snapshot, for argparse; an empty one would mean to lose the data."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = command.parser(__doc__, "say what would be deleted, and delete nothing")
    parser.add_argument("--snapshot", metavar="NAME", type=snapshot_name, help="keep the data in a snapshot")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(argv)
    return command.run("destroy_cluster", lambda: destroy(command.open_here(options.config), options))


if __name__ == "__main__":
    sys.exit(main())
