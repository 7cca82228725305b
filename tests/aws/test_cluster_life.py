"""The cluster's whole life against moto: as a user runs it, each step twice, and cut off at every call."""

import json
import os
import stat
from pathlib import Path

import pytest

from infra import cluster_status, create_cluster, destroy_cluster, open_incoming_port
from infra.config import load_settings
from tests.fixtures import processes
from tests.fixtures.aws import (
    PRINTED,
    ROOT,
    Killed,
    Wire,
    config_text,
    script,
)
from tests.fixtures.serverless_fake import ServerlessFake, error

MAIN = {
    "create_cluster": create_cluster.main,
    "cluster_status": cluster_status.main,
    "open_incoming_port": open_incoming_port.main,
    "destroy_cluster": destroy_cluster.main,
}


def neighbours(moto) -> None:
    """Make what is not ours, with names near to ours, and with a tag that is near, too."""
    for name in ("dwhcluster2", "dwhcluste"):
        moto.redshift.create_cluster(
            ClusterIdentifier=name, NodeType="ra3.large", MasterUsername="x", MasterUserPassword="Passw0rdX"
        )
    for name in ("dwhRole2", "dwhRol"):
        moto.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=[{"Key": "project", "Value": "x"}])
    vpc = moto.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    moto.ec2.create_security_group(GroupName="dwhcluster-redshift2", Description="x", VpcId=vpc)
    moto.redshift.create_cluster_parameter_group(
        ParameterGroupName="dwhcluster-redshift2", ParameterGroupFamily="redshift-2.0", Description="x"
    )
    moto.redshift_serverless.create_namespace(
        namespaceName="dwhcluster2", iamRoles=[], tags=[{"key": "project", "value": "x"}]
    )


def everything(moto) -> dict:
    """All that is in the account and that the scripts could have touched."""
    return {
        "clusters": sorted(each["ClusterIdentifier"] for each in moto.redshift.describe_clusters()["Clusters"]),
        "snapshots": sorted(
            each["SnapshotIdentifier"]
            for each in moto.redshift.describe_cluster_snapshots()["Snapshots"]
            if each["SnapshotType"] == "manual"
        ),
        "parameter groups": sorted(
            each["ParameterGroupName"] for each in moto.redshift.describe_cluster_parameter_groups()["ParameterGroups"]
        ),
        "namespaces": sorted(
            each["namespaceName"] for each in moto.redshift_serverless.list_namespaces()["namespaces"]
        ),
        "workgroups": sorted(
            each["workgroupName"] for each in moto.redshift_serverless.list_workgroups()["workgroups"]
        ),
        "roles": sorted(role["RoleName"] for role in moto.iam.list_roles()["Roles"]),
        "groups": sorted(
            (group["GroupName"], json.dumps(group["IpPermissions"]))
            for group in moto.ec2.describe_security_groups()["SecurityGroups"]
        ),
    }


def test_life_as_a_user_runs_it_each_step_twice(moto, wire, aws_config, tmp_path, capsys):
    """Create, status, open, close, pause, resume, destroy; after it nothing of ours and all of the others is there."""
    neighbours(moto)
    before, text = everything(moto), aws_config.read_text()
    steps = [
        (("cluster_status",), 3, "There is no cluster dwhcluster in us-west-2."),
        (("create_cluster", "--dry-run"), 0, "Nothing was made"),
        (("create_cluster",), 0, "Available at dwhcluster."),
        (("create_cluster",), 0, "is there already: 1 x ra3.large, available."),
        (("cluster_status", "--wait"), 0, "Cluster dwhcluster in us-west-2: available"),
        (("open_incoming_port", "--dry-run", "--cidr", "203.0.113.7"), 0, "Would open port 5439"),
        (("open_incoming_port", "--cidr", "203.0.113.7"), 0, "open to 203.0.113.7/32."),
        (("open_incoming_port", "--cidr", "2001:db8::/48"), 0, "open to 2001:db8::/48."),
        (("cluster_status",), 0, "TLS          required"),
        (("cluster_status",), 0, "open to 2001:db8::/48, 203.0.113.7/32"),
        (("open_incoming_port", "--close", "--cidr", "203.0.113.7"), 0, "Closed the port to: 203.0.113.7/32."),
        (("open_incoming_port", "--close"), 0, "Closed the port to: 2001:db8::/48."),
        (("cluster_status", "--pause", "--wait"), 0, "paused"),
        (("create_cluster",), 1, ""),
        (("cluster_status",), 1, "paused"),
        (("cluster_status", "--resume", "--wait"), 0, "available"),
        (("destroy_cluster", "--dry-run"), 0, "Nothing was deleted"),
        (("destroy_cluster",), 1, "Type its name (dwhcluster)"),
        (
            ("destroy_cluster", "--yes"),
            0,
            "Nothing that costs money is left of dwhcluster in account 123456789012, us-west-2.",
        ),
    ]
    for (name, *options), exit_code, said in steps:
        if "--dry-run" not in options:
            end = script(name, *options, "--config", aws_config, cwd=tmp_path)
            assert (end.returncode, "Traceback" in end.stderr) == (exit_code, False), (name, options, end.stderr)
            assert said in end.stdout, (name, options, end.stdout)
        if options:  # a second time, sooner done in this process
            assert MAIN[name]([*options, "--config", str(aws_config)]) == exit_code, (name, options)
        if name == "create_cluster" and exit_code == 0 and not options:
            settings = load_settings(aws_config)
            assert settings.host.startswith("dwhcluster.") and settings.role_arn.endswith(":role/dwhRole")
            if os.name == "posix":
                assert stat.S_IMODE(aws_config.stat().st_mode) == 0o600
            assert (
                aws_config.read_text().replace(f"'{settings.host}'", "''").replace(f"ARN={settings.role_arn}", "ARN=")
                == text
            )
            group = moto.ec2.describe_security_groups(GroupNames=["dwhcluster-redshift"])["SecurityGroups"][0]
            assert group["IpPermissions"] == []
            cluster = moto.redshift.describe_clusters(ClusterIdentifier="dwhcluster")["Clusters"][0]
            assert [each["VpcSecurityGroupId"] for each in cluster["VpcSecurityGroups"]] == [group["GroupId"]]
            assert (cluster["Encrypted"], cluster["PubliclyAccessible"]) == (True, True)
            (parameter_group,) = cluster["ClusterParameterGroups"]
            assert parameter_group["ParameterGroupName"] == "dwhcluster-redshift"
            assert {"Key": "project", "Value": "sparkify-dwh"} in cluster["Tags"]
    assert everything(moto) == before
    assert aws_config.read_text() == text


def test_module_form_and_snapshot(moto, aws_config):
    """`python -m infra.NAME` works from the root; --snapshot keeps the data, and the last look says so."""
    assert script("create_cluster", "--config", aws_config, "--managed-policy", module=True).returncode == 0
    attached = moto.iam.list_attached_role_policies(RoleName="dwhRole")["AttachedPolicies"]
    assert [each["PolicyName"] for each in attached] == ["AmazonS3ReadOnlyAccess"]
    assert moto.iam.list_role_policies(RoleName="dwhRole")["PolicyNames"] == []
    end = script("destroy_cluster", "--config", aws_config, "--yes", "--snapshot", "keep-me", module=True)
    assert (
        end.returncode == 0
        and "Left in account 123456789012, us-west-2, and costing money:\n  snapshot keep-me" in end.stdout
    )
    assert "run `aws redshift delete-cluster-snapshot --region us-west-2 --snapshot-identifier keep-me`" in end.stdout
    assert everything(moto)["snapshots"] == ["keep-me"]


def test_confirmed_by_name(moto, aws_config, monkeypatch, capsys):
    """destroy asks once for the name, and takes no other."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    monkeypatch.setattr("builtins.input", lambda prompt: "dwhcluster2")
    assert destroy_cluster.main(["--config", str(aws_config)]) == 1
    assert "nothing was deleted" in capsys.readouterr().err
    monkeypatch.setattr("builtins.input", lambda prompt: "dwhcluster")
    assert destroy_cluster.main(["--config", str(aws_config)]) == 0
    assert "dwhRole" not in everything(moto)["roles"]


def test_others_of_our_name_are_refused(moto, aws_config, capsys):
    """What has our name but not our tag is neither used nor deleted."""
    moto.iam.create_role(RoleName="dwhRole", AssumeRolePolicyDocument="{}")
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "dwhRole was not made by these scripts" in capsys.readouterr().err
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert "dwhRole" in everything(moto)["roles"]
    moto.redshift.create_cluster(
        ClusterIdentifier="dwhcluster", NodeType="ra3.large", MasterUsername="x", MasterUserPassword="Passw0rdX"
    )
    for main, option in (
        (create_cluster.main, []),
        (destroy_cluster.main, ["--yes"]),
        (cluster_status.main, ["--pause"]),
    ):
        assert main(["--config", str(aws_config), *option]) == 1
        assert "did not make" in (said := capsys.readouterr().err) or "was not made by these scripts" in said
    assert "dwhcluster" in everything(moto)["clusters"]


def test_group_of_our_name_is_refused(moto, aws_config, capsys):
    """A security group with our name but not our tag is not used."""
    vpc = moto.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    moto.ec2.create_security_group(GroupName="dwhcluster-redshift", Description="x", VpcId=vpc)
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "security group dwhcluster-redshift was not made" in capsys.readouterr().err
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert any(name == "dwhcluster-redshift" for name, _ in everything(moto)["groups"])


def test_parameter_group_of_our_name_is_refused(moto, aws_config, capsys):
    """A parameter group with our name but not our tag is neither used nor deleted."""
    moto.redshift.create_cluster_parameter_group(
        ParameterGroupName="dwhcluster-redshift", ParameterGroupFamily="redshift-2.0", Description="x"
    )
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "parameter group dwhcluster-redshift was not made" in capsys.readouterr().err
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert (
        "dwhcluster-redshift was not made by these scripts for dwhcluster in us-west-2: it is left"
        in capsys.readouterr().out
    )
    assert "dwhcluster-redshift" in everything(moto)["parameter groups"]


def test_cluster_that_does_not_require_tls(moto, aws_config, capsys):
    """create and status say so when somebody has changed what they made."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert "without TLS: set" not in capsys.readouterr().out
    changed = [{"ParameterName": "require_ssl", "ParameterValue": "false"}]
    moto.redshift.modify_cluster_parameter_group(ParameterGroupName="dwhcluster-redshift", Parameters=changed)
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert "It may let in connections without TLS: set require_ssl=true" in capsys.readouterr().out
    assert cluster_status.main(["--config", str(aws_config)]) == 0
    assert "TLS          not required" in capsys.readouterr().out


def change_type(aws_config: Path, dwh: str) -> None:
    """Give the dwh.cfg another type of cluster, and leave what the scripts have written into it."""
    text = aws_config.read_text()
    aws_config.write_text(text[: text.index("DWH_IAM_ROLE_NAME")] + f"DWH_IAM_ROLE_NAME = dwhRole\n{dwh}\n")


def test_type_changed_before_it_was_destroyed(moto, wire, aws_config, capsys):
    """destroy looks at both kinds, says how to remove the other one, and leaves it what it uses."""
    before, here = everything(moto), ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    host = load_settings(aws_config).host
    change_type(aws_config, SERVERLESS)
    for _ in range(2):
        assert destroy_cluster.main([*here, "--yes"]) == 0
        assert (
            "Deleted: nothing, there was nothing.\nLeft in account 123456789012, us-west-2, and costing money:\n"
            "  cluster dwhcluster (available): set [DWH] DWH_REGION=us-west-2, DWH_CLUSTER_IDENTIFIER=dwhcluster and "
            f"DWH_CLUSTER_TYPE=single-node, and run destroy_cluster.py --config {aws_config} again\n"
        ) in capsys.readouterr().out
    assert load_settings(aws_config).host == host
    assert "dwhRole" in everything(moto)["roles"]
    assert create_cluster.main(here) == 0  # both are there now
    change_type(aws_config, "")
    assert destroy_cluster.main([*here, "--yes"]) == 0
    printed = capsys.readouterr().out
    assert "Deleted: cluster dwhcluster (available).\n" in printed
    for word in ("workgroup", "namespace"):
        assert f"  {word} dwhcluster (available): set [DWH] DWH_REGION=us-west-2, DWH_CLUSTER_IDENT" in printed
    assert "redshift-serverless" in load_settings(aws_config).host
    change_type(aws_config, SERVERLESS)
    assert destroy_cluster.main([*here, "--yes"]) == 0
    assert "Nothing that costs money is left" in capsys.readouterr().out
    assert everything(moto) == before and load_settings(aws_config).host == ""


def test_another_cluster_of_ours_is_listed(moto, aws_config, capsys):
    """What was made under another name is left, and listed with the way to remove it."""
    aws_config.write_text(config_text().replace("dwhCluster", "older").replace("dwhRole", "older-role"))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    aws_config.write_text(config_text())
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert (
        "  cluster older (available): set [DWH] DWH_REGION=us-west-2, DWH_CLUSTER_IDENTIFIER=older and"
        in capsys.readouterr().out
    )
    assert everything(moto)["clusters"] == ["older"]


def test_other_kind_that_may_not_be_looked_at(moto, wire, aws_config, capsys):
    """Whoever may not look at Redshift Serverless can destroy a cluster, and is told that it was not looked for."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    wire.fakes["redshift-serverless"] = lambda *_: error("AccessDeniedException")
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    printed = capsys.readouterr().out
    assert (
        "No workgroup was looked for in account 123456789012, us-west-2: AWS does not allow you GetNamespace" in printed
    )
    assert "Nothing that costs money" not in printed
    assert everything(moto)["clusters"] == []


EVERY = pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
LIFE = (
    (create_cluster.main, [], 0),
    (open_incoming_port.main, ["--cidr", "203.0.113.7"], 0),
    (cluster_status.main, ["--pause", "--wait"], 0),
    (cluster_status.main, ["--resume", "--wait"], 0),
    (open_incoming_port.main, ["--close"], 0),
    (destroy_cluster.main, ["--yes"], 0),
)


def cut_off_at_every_call(wire: Wire, aws_config: Path, life, every: int = 1) -> int:
    """Cut every step off before its first call, run it again; the same for the second, and so on to the last.

    `every` other call only is cut: 1 is each of them, 9 every ninth.
    """
    number, whole = 1 - every, False
    while not whole:
        number, whole = number + every, True
        for main, options, exit_code in life:
            wire.sent, wire.die_at = 0, number
            try:
                main(["--config", str(aws_config), *options])
            except Killed:
                whole = False
            wire.die_at = 0
            assert main(["--config", str(aws_config), *options]) == exit_code, (number, main.__module__)
    return number


@EVERY
def test_cut_off_at_every_call(moto, wire, aws_config, capsys, every):
    """Whatever the call before which a step dies: it is finished by running it again, and nothing is left."""
    neighbours(moto)
    before, text = everything(moto), aws_config.read_text()
    assert cut_off_at_every_call(wire, aws_config, LIFE, every) > 10
    assert everything(moto) == before
    assert aws_config.read_text() == text


@EVERY
def test_token_expires_at_every_call(moto, wire, aws_config, capsys, every):
    """Whenever the caller's token expires: one sentence without it, exit code 1, and the next run goes on."""
    before = everything(moto)
    for main, options in ((create_cluster.main, []), (destroy_cluster.main, ["--yes"])):
        exit_code, wire.expire_at = 1, 1 - every
        while exit_code:
            wire.sent, wire.expire_at = 0, wire.expire_at + every
            exit_code = main(["--config", str(aws_config), *options])
            printed = capsys.readouterr()
            assert exit_code == 0 or "renew them" in printed.err.splitlines()[-1]
    assert everything(moto) == before


def test_interrupted_while_waiting(moto, wire, aws_config, capsys, monkeypatch):
    """Ctrl-C while waiting ends with a sentence and exit code 1; the next run finishes."""

    def interrupt(*_):
        """Press Ctrl-C."""
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(create_cluster.security_group, "ensure_group", interrupt)
        assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "interrupted. Run it again and it goes on from here" in capsys.readouterr().err
    assert create_cluster.main(["--config", str(aws_config)]) == 0


@EVERY
def test_destroy_after_create_was_cut_off(moto, wire, aws_config, capsys, every):
    """destroy cleans up after a create that died at any call."""
    before, number = everything(moto), 1 - every
    while True:
        number += every
        wire.sent, wire.die_at = 0, number
        try:
            create_cluster.main(["--config", str(aws_config)])
        except Killed:
            wire.die_at = 0
            assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
            assert everything(moto) == before, number
            continue
        break
    assert number > 10


def test_generated_password_survives_a_cut(moto, wire, aws_config, capsys):
    """A generated password is in dwh.cfg before the cluster has it, and is not replaced by the next run."""
    aws_config.write_text(config_text(password=""))

    def cut(name: str, params: dict) -> None:
        """Die after the password is written, before there is a cluster."""
        if name == "CreateRole":
            raise Killed

    wire.fakes["iam"] = cut
    with pytest.raises(Killed):
        create_cluster.main(["--config", str(aws_config)])
    password = load_settings(aws_config).password
    assert len(password) == 32
    wire.fakes.pop("iam")
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert load_settings(aws_config).password == password
    captured = capsys.readouterr()
    assert password not in captured.out + captured.err


QUICK = """
import runpy, sys
from infra.aws import polling
polling.POLL_SECONDS = 0.05
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
MORTAL = """
import os, sys
from botocore.httpsession import URLLib3Session
send, left = URLLib3Session.send, [int(sys.argv.pop(1))]
def mortal(self, request):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return send(self, request)
URLLib3Session.send = mortal
"""


def killed(calls: int, name: str, *options: str | Path) -> int:
    """Run a script in a process that dies, without cleaning up, after so many calls of AWS; return its exit code."""
    done = processes.run("-c", MORTAL + QUICK, calls, ROOT / "infra" / f"{name}.py", *options, cwd=ROOT)
    PRINTED.append(done.stdout + done.stderr)
    return done.returncode


def test_killed_process(moto, aws_config):
    """A process that is killed on the way leaves no more behind than one that is cut off."""
    before, calls = everything(moto), 14
    assert killed(calls, "create_cluster", "--config", aws_config) == 9
    assert killed(99, "create_cluster", "--config", aws_config) == 0
    assert killed(calls, "destroy_cluster", "--yes", "--config", aws_config) == 9
    assert killed(99, "destroy_cluster", "--yes", "--config", aws_config) == 0
    assert everything(moto) == before
    assert [path.name for path in aws_config.parent.iterdir()] == ["dwh.cfg"]


@pytest.mark.slow
def test_killed_process_at_every_call(moto, aws_config):
    """The same for every call of every step; a step that has outlived a round is killed no more."""
    neighbours(moto)
    before, calls, mortal = everything(moto), 0, list(LIFE)
    while mortal:
        between = any(step in mortal for step in LIFE[1:-1])
        for step in LIFE if between else (LIFE[0], LIFE[-1]):
            main, options, _ = step
            command = (*options, "--config", str(aws_config))
            if step in mortal:
                exit_code = killed(calls, main.__module__.removeprefix("infra."), *command)
                assert exit_code in (0, 9), (calls, main.__module__)
                if exit_code == 0:
                    mortal.remove(step)
            assert main(command) == 0  # in this process, where it is sooner done
        calls += 1
    assert calls > 10 and everything(moto) == before


SERVERLESS = "DWH_CLUSTER_TYPE=serverless\nDWH_BASE_RPU=8\nDWH_DAILY_RPU_HOURS=5"
SERVERLESS_LIFE = (LIFE[0], LIFE[5])


def test_serverless_life(moto, wire, aws_config, capsys):
    """The same scripts create, check, open and destroy a namespace and a workgroup with a usage limit."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake()
    aws_config.write_text(text := config_text(SERVERLESS))
    before = everything(moto)
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert load_settings(aws_config).host == "dwhcluster.123456789012.us-west-2.redshift-serverless.amazonaws.com"
    namespace, workgroup = (thing["asked"] for thing in fake.things.values())
    assert (workgroup["baseCapacity"], workgroup["publiclyAccessible"]) == (8, True)
    assert workgroup["configParameters"] == [{"parameterKey": "require_ssl", "parameterValue": "true"}]
    assert namespace["iamRoles"] == [load_settings(aws_config).role_arn]
    assert [(each["amount"], each["period"], each["breachAction"]) for each in fake.limits.values()] == [
        (5, "daily", "deactivate")
    ]
    trust = moto.iam.get_role(RoleName="dwhRole")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert trust == {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]}
    assert cluster_status.main(["--config", str(aws_config), "--json"]) == 0
    printed = capsys.readouterr()
    facts = json.loads(printed.out[printed.out.index("{") :])
    assert (facts["state"], facts["size"], facts["role_attached"], facts["tls_required"]) == (
        "available",
        "8 RPU",
        True,
        True,
    )
    assert "namespace dwhcluster: creating" in printed.err
    assert cluster_status.main(["--config", str(aws_config), "--pause"]) == 1
    assert "pauses by itself" in capsys.readouterr().err
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert "Nothing that costs money is left" in capsys.readouterr().out
    assert (fake.things, fake.limits, everything(moto)) == ({}, {}, before)
    assert aws_config.read_text() == text


def test_serverless_life_as_a_user_runs_it(moto, aws_config):
    """The same over HTTP with the scripts themselves, which wait less than they do at AWS."""
    neighbours(moto)
    aws_config.write_text(text := config_text(SERVERLESS))
    before = everything(moto)
    steps = (
        (("create_cluster",), 0, "Available at dwhcluster."),
        (("cluster_status",), 0, "cost         unknown: it is billed while queries run"),
        (("open_incoming_port", "--cidr", "203.0.113.7"), 0, "open to 203.0.113.7/32."),
        (("open_incoming_port", "--close"), 0, "Closed the port to: 203.0.113.7/32."),
        (
            ("destroy_cluster", "--yes"),
            0,
            "Nothing that costs money is left of dwhcluster in account 123456789012, us-west-2.",
        ),
        (("cluster_status",), 3, "There is no workgroup dwhcluster in us-west-2."),
    )
    for (name, *options), exit_code, said in steps:
        end = processes.run("-c", QUICK, ROOT / "infra" / f"{name}.py", *options, "--config", aws_config, cwd=ROOT)
        PRINTED.append(end.stdout + end.stderr)
        assert (end.returncode, end.stderr.count("Traceback")) == (exit_code, 0), (name, end.stderr)
        assert said in end.stdout, (name, end.stdout)
    assert everything(moto) == before
    assert aws_config.read_text() == text


@EVERY
def test_serverless_cut_off_at_every_call(moto, wire, aws_config, capsys, every):
    """Serverless, too, is finished by running it again, wherever it was cut off."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=1)
    aws_config.write_text(config_text(SERVERLESS))
    before = everything(moto)
    assert cut_off_at_every_call(wire, aws_config, SERVERLESS_LIFE, every) > 20
    assert (fake.things, fake.limits, everything(moto)) == ({}, {}, before)


def test_no_dwh_cfg(monkeypatch, capsys, tmp_path):
    """Without a dwh.cfg the scripts say what to do, and exit with 2."""
    monkeypatch.setattr("infra.config.DEFAULT_PATH", tmp_path / "dwh.cfg")
    for main in (create_cluster.main, cluster_status.main, open_incoming_port.main, destroy_cluster.main):
        assert main([]) == 2
        assert "copy dwh.cfg.example to dwh.cfg" in capsys.readouterr().err
