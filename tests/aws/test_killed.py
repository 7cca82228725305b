"""Scripts killed before every request that changes something: guards, --apply, snapshots and restores; a walk for CI.

A request that only looks changes nothing at AWS, so that dying before it is dying before the next that does not. The
walk of test_cluster_life.py dies before those, too.
"""

from pathlib import Path

import pytest

from infra.config import ROOT
from tests.aws.test_cluster_life import MAIN, everything, neighbours
from tests.aws.test_guards import GUARDS, budgets
from tests.fixtures import processes
from tests.fixtures.aws import PRINTED, config_text

DRIVER = """
import os, re, runpy, sys
from botocore.httpsession import URLLib3Session
from infra.aws import polling
polling.POLL_SECONDS = 0
send, left = URLLib3Session.send, [int(sys.argv.pop(1))]
def mortal(self, request):
    asked = str(request.headers.get("X-Amz-Target") or request.body[:60])
    left[0] -= re.search(r"(Action=|\\.)(Describe|Get|List)", asked) is None
    if left[0] < 0:
        os._exit(9)
    return send(self, request)
URLLib3Session.send = mortal
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
WHOLE = 9999  # more requests than any script makes
TWO = f"{GUARDS}\nDWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=2"
KINDS = {
    "cluster": (TWO, TWO.replace("20:30", "7:05").replace("NODES=2", "NODES=4\nDWH_PUBLICLY_ACCESSIBLE=false")),
    "workgroup": tuple(
        f"{GUARDS}\nDWH_CLUSTER_TYPE=serverless\nDWH_BASE_RPU={rpu}\nDWH_DAILY_RPU_HOURS={rpu}" for rpu in (8, 16)
    ),
}
slow = pytest.mark.slow
every_kind = pytest.mark.parametrize("kind", KINDS)


class Account:
    """A simulated account with a dwh.cfg, and the scripts that work in it."""

    def __init__(self, moto, aws_config: Path, kind: str):
        """Keep what is there before."""
        neighbours(moto)
        self.moto, self.path = moto, aws_config
        self.first, self.then = KINDS[kind]
        self.before = self.left()

    def left(self) -> dict:
        """All that is there but snapshots, which are kept on purpose."""
        there = everything(self.moto) | {"snapshots": [], "budgets": budgets(self.moto)}
        return there | {"actions": self.moto.redshift.describe_scheduled_actions()["ScheduledActions"]}

    def run(self, calls: int, name: str, dwh: str, *options: str) -> bool:
        """Run a script with this [DWH], dead after so many requests; whether it outlived them, and then ended well."""
        self.path.write_text(config_text(dwh))
        if calls == WHOLE:  # sooner done in this process
            assert MAIN[f"{name}_cluster"]([*options, "--config", str(self.path)]) == 0, (name, options)
            return True
        script = ROOT / "infra" / f"{name}_cluster.py"
        done = processes.run("-c", DRIVER, calls, script, *options, "--config", self.path, cwd=ROOT)
        PRINTED.append(done.stdout + done.stderr)
        assert done.returncode in (0, 9), (calls, name, options, done.stderr)
        return done.returncode == 0

    def destroy(self, number: object) -> None:
        """Destroy what is there: nothing is left."""
        assert self.run(WHOLE, "destroy", self.then, "--yes")
        assert self.left() == self.before, number


@slow
@every_kind
def test_a_rerun_finishes_each_step(moto, aws_config, kind):
    account, calls = Account(moto, aws_config, kind), 0
    mortal = set(range(5))
    while mortal:
        snapshot = f"kept-{calls}"
        steps = (
            ("create", account.first),
            ("create", account.then, "--apply"),
            ("destroy", account.then, "--yes", "--snapshot", snapshot),
            ("create", account.then, "--from-snapshot", snapshot),
            ("destroy", account.then, "--yes"),
        )
        for number, step in enumerate(steps):
            if number in mortal and account.run(calls, *step):
                mortal.remove(number)
            assert account.run(WHOLE, *step)
        assert account.left() == account.before, calls
        calls += 1
    assert calls > 8


@slow
@every_kind
@pytest.mark.parametrize("step", ["create", "restore"])
def test_destroy_finds_what_a_killed_step_leaves(moto, aws_config, kind, step):
    account, calls, whole = Account(moto, aws_config, kind), 0, False
    if step == "restore":
        assert account.run(WHOLE, "create", account.then)
        assert account.run(WHOLE, "destroy", account.then, "--yes", "--snapshot", "kept")
    options = ["--from-snapshot", "kept"] if step == "restore" else []
    while not whole:
        whole = account.run(calls, "create", account.then, *options)
        account.destroy((step, calls))
        calls += 1
    assert calls > 7  # role, its policy, group, budget, namespace, workgroup and its limit are the fewest
