"""Print the IAM policy that a person needs to run the scripts for what dwh.cfg describes, in this account and region.

An administrator makes a managed policy of it (it is too long for a user's inline policy, which holds 2,048 characters),
and one of what --boundary prints: the most that the roles which the scripts make may ever do. The first lets roles be
made only within the second, so that it does not lead to more rights.
"""

import json
import sys
from pathlib import Path

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from infra import cli
from infra.aws import policies
from infra.aws.context import Context, make_context


def print_policy(context: Context, *, boundary: bool) -> None:
    """Print one of the two policies, and on standard error what is to be done with it."""
    account, partition = context.account()
    spec = context.spec
    arn = policies.boundary_arn(account, partition, spec)
    if boundary:
        print(json.dumps(policies.boundary_policy(account, partition, spec), indent=2))
    else:
        print(json.dumps(policies.caller_policy(account, partition, spec), indent=2))
    if not spec.own.permissions_boundary:
        print(
            f"Make a managed policy {arn.partition('/')[2]} of what --boundary prints, and set [DWH] "
            f"DWH_PERMISSIONS_BOUNDARY={arn} in {context.path}: without it, this policy lets no role be made.",
            file=sys.stderr,
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--boundary", action="store_true", help="print the permissions boundary of the roles instead")
    options = parser.parse_args(argv)

    def work() -> int:
        """Print the policy."""
        print_policy(make_context(options.config), boundary=options.boundary)
        return 0

    return cli.run("caller_policy", work)


if __name__ == "__main__":
    sys.exit(main())
