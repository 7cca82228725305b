"""Answers of AWS that moto never gives: names that are taken, operations that run, deletions that need a moment."""

import json
import re

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra import cluster_status, create_cluster, destroy_cluster
from infra.aws import iam_role, policies, polling, subnet_group
from infra.aws.context import make_context
from infra.config import load_settings
from tests.aws.test_aws import allows
from tests.aws.test_cluster_life import everything
from tests.aws.test_cluster_states import SESSION, play, state
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import ServerlessFake, error

SERVERLESS = "DWH_CLUSTER_TYPE=serverless"
SECRET = "kept in AWS Secrets Manager for $0.40 a month, paused or not (list price of 2026-09-20; today's: https://"
RUNNING = "There is an operation running on the workgroup. Try deleting the workgroup again later."


@pytest.mark.parametrize("dwh", ["", SERVERLESS])
def test_the_name_of_the_last_snapshot_is_taken(moto, wire, aws_config, capsys, dwh):
    """Found before anything is deleted: AWS would refuse after the workgroup, and its limit, are gone."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(dwh))
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    assert create_cluster.main(here) == 0
    before, things = everything(moto), list(fake.things)
    for option in ("--dry-run", "--yes"):
        assert destroy_cluster.main([*here, option, "--snapshot", "kept"]) == 1
        assert "There is a snapshot kept already: give --snapshot another name." in capsys.readouterr().err
    assert (everything(moto), list(fake.things)) == (before, things)
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept-too"]) == 0


def test_a_deletion_under_way_makes_the_snapshot_itself(moto, wire, aws_config, capsys):
    """The run was cut off while AWS takes the last snapshot: the next one waits on."""
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    tags = moto.redshift.describe_clusters()["Clusters"][0]["Tags"]
    states = iter(["final-snapshot"] * 2)

    def redshift(name: str, params: dict) -> dict | None:
        """The cluster is on its way out, and its snapshot is there."""
        if name == "DescribeClusters" and "ClusterIdentifier" in params:
            now = next(states, "")
            return state(now, Tags=tags) if now else error("ClusterNotFound")
        if name == "DescribeClusterSnapshots" and "SnapshotIdentifier" in params:
            return {"Snapshots": [{"SnapshotIdentifier": "kept"}]}
        return None

    wire.fakes["redshift"] = redshift
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    assert "There is a snapshot" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Keep", "1st", "keep--me", "keep-", "k p", "k" * 256])
def test_names_that_aws_takes_for_no_snapshot(aws_config, capsys, name):
    with pytest.raises(SystemExit, match="2"):
        destroy_cluster.main(["--config", str(aws_config), "--snapshot", name])
    assert "is no name for a snapshot: lower-case letters" in capsys.readouterr().err


def test_an_operation_that_runs_on_a_workgroup(moto, wire, aws_config, capsys):
    """AWS refuses whatever else is asked, also where the status reads AVAILABLE; each request is made again."""
    fake, busy = ServerlessFake(looks=0), {}
    asked = ("CreateWorkgroup", "CreateUsageLimit", "UpdateNamespace", "RestoreFromSnapshot")
    asked += ("DeleteWorkgroup", "DeleteNamespace")

    def serverless(name: str, params: dict) -> dict:
        """Refuse each of these twice."""
        if name in asked and busy.setdefault(name, 2):
            busy[name] -= 1
            return error("ConflictException", RUNNING)
        return fake(name, params)

    wire.fakes["redshift-serverless"] = serverless
    aws_config.write_text(config_text(SERVERLESS))
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    next(iter(fake.things.values()))["body"]["iamRoles"] = []
    assert create_cluster.main(here) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
    assert destroy_cluster.main([*here, "--yes"]) == 0
    assert busy == dict.fromkeys(asked, 0) and fake.things == {}
    assert f"busy ({RUNNING})" in capsys.readouterr().err


def test_a_conflict_that_no_waiting_ends():
    """Such as a workgroup of that name: it is not asked for again."""
    calls = []

    def call() -> None:
        """Refuse."""
        calls.append(1)
        raise ClientError(error("ConflictException", "A workgroup with this name already exists."), "CreateWorkgroup")

    with pytest.raises(ClientError):
        polling.ask_serverless("workgroup x", call)
    assert len(calls) == 1


def test_the_default_role_of_a_namespace_stays(moto, wire, aws_config):
    """AWS changes the roles only together with it, and takes "" for none."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(SERVERLESS))
    here = ["--config", str(aws_config)]
    for default in ("", "arn:aws:iam::123456789012:role/default"):
        assert create_cluster.main(here) == 0
        body = next(iter(fake.things.values()))["body"]
        body |= {"iamRoles": [default][: len(default)], "defaultIamRoleArn": default}
        assert create_cluster.main(here) == 0
        role = load_settings(aws_config).role_arn
        assert (body["defaultIamRoleArn"], body["iamRoles"]) == (default, [*[default][: len(default)], role])


@pytest.fixture
def no_waiting(monkeypatch):
    """Look again at once."""
    monkeypatch.setattr(polling.time, "sleep", lambda _: None)


@pytest.mark.parametrize("end", ["", "NoSuchEntity"])
def test_a_role_whose_policies_iam_still_sees(no_waiting, end):
    """Deleting it is refused for a moment; a request that seemed lost may have got through."""
    iam = SESSION.client("iam")
    with Stubber(iam) as stubber:
        for last in ("DeleteConflict", "DeleteConflict", end):
            stubber.add_response("list_role_policies", {"PolicyNames": []})
            stubber.add_response("list_attached_role_policies", {"AttachedPolicies": []})
            if last:
                stubber.add_client_error("delete_role", last)
            else:
                stubber.add_response("delete_role", {})
        iam_role.delete_role(iam, "x")
        stubber.assert_no_pending_responses()


def test_a_subnet_group_that_its_cluster_still_holds(no_waiting):
    """AWS has two names for it."""
    busy = [("delete_cluster_subnet_group", f"InvalidClusterSubnet{word}Fault") for word in ("GroupState", "State")]
    cluster, stubber = play(*busy, ("delete_cluster_subnet_group", {}))
    subnet_group.delete_group(cluster.client, "x")
    stubber.assert_no_pending_responses()


def policy_for(aws_config, dwh: str) -> dict:
    """The caller's policy for a dwh.cfg."""
    aws_config.write_text(config_text(dwh))
    return policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)


# What Redshift does in the caller's name: the dependent actions of CreateCluster, CreateNamespace and the restores in
# AWS's service authorization reference.
SECRETS = ("CreateSecret", "DeleteSecret", "DescribeSecret", "GetRandomPassword", "RotateSecret", "TagResource")
KEYS = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey", "RetireGrant")


@pytest.mark.parametrize("dwh", ["", SERVERLESS])
def test_the_caller_may_what_redshift_does_in_its_name(aws_config, dwh):
    key = "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    without, policy = policy_for(aws_config, dwh), policy_for(aws_config, f"{dwh}\nDWH_KMS_KEY={key}")
    secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:redshift!dwhcluster-dwhuser-AbCdEf"
    for action in (*SECRETS, "UpdateSecret"):
        assert allows(policy, f"secretsmanager:{action}", secret)
    assert not allows(policy, "secretsmanager:DeleteSecret", secret.replace("redshift!", "mine"))
    for action in KEYS:
        assert allows(policy, f"kms:{action}", key) and not allows(without, f"kms:{action}", key)
        assert not allows(policy, f"kms:{action}", key[:-1])


@pytest.mark.parametrize("dwh", ["", SERVERLESS])
def test_a_role_that_the_user_brings_is_passed_and_none_is_made(aws_config, dwh):
    own = "arn:aws:iam::123456789012:role/their/role"
    policy = policy_for(aws_config, f"{dwh}\nDWH_ROLE_ARN={own}")
    ours, to_redshift = "arn:aws:iam::123456789012:role/dwhRole", {"iam:PassedToService": "redshift.amazonaws.com"}
    assert allows(policy, "iam:PassRole", own, **to_redshift) and allows(policy, "iam:GetRole", own)
    assert not allows(policy, "iam:PassRole", ours, **to_redshift)
    bounded = {"iam:PermissionsBoundary": policies.boundary_arn("123456789012", "aws", make_context(aws_config).spec)}
    for action in ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "DeleteRole"):
        assert not allows(policy, f"iam:{action}", own, **bounded)
    assert allows(policy, "iam:DeleteRole", ours)  # of a time before
    assert len(re.sub(r"\s", "", json.dumps(policy))) <= 6144


def test_a_restore_names_the_cluster_of_its_snapshot(moto, wire, aws_config):
    """AWS asks for that of a caller whose policy names it, as the printed one does."""
    asked = {}
    wire.fakes["redshift"] = lambda name, params: asked.update({name: dict(params)})
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
    request = asked["RestoreFromClusterSnapshot"]
    snapshot = "arn:aws:redshift:us-west-2:123456789012:snapshot:{SnapshotClusterIdentifier}/{SnapshotIdentifier}"
    policy = policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)
    assert allows(policy, "redshift:RestoreFromClusterSnapshot", snapshot.format(**request))


@pytest.mark.parametrize("dwh", ["", SERVERLESS])
def test_what_the_secret_costs_is_said(moto, wire, aws_config, capsys, dwh):
    """By create, by status, and while the cluster is paused; moto keeps no secret."""
    wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(dwh, password=""))
    here = ["--config", str(aws_config)]
    for options in (["--dry-run"], []):
        assert create_cluster.main([*here, "--manage-password", *options]) == 0
        assert f"  password: {SECRET}" in capsys.readouterr().out
    arn = {} if dwh else {"MasterPasswordSecretArn": "arn:aws:secretsmanager:us-west-2:123456789012:secret:redshift!x"}

    def redshift(name: str, params: dict) -> dict | None:
        """Add what moto leaves out, for the cluster that is asked for by its name."""
        if name != "DescribeClusters" or "ClusterIdentifier" not in params or not arn:
            return None
        (cluster,) = moto.redshift.describe_clusters(**params)["Clusters"]
        return {"Clusters": [cluster | arn]}

    wire.fakes["redshift"] = redshift
    for options, exit_code in (([], 0), *([(["--pause"], 0), (["--json"], 1)] if not dwh else [(["--json"], 0)])):
        assert cluster_status.main([*here, *options]) == exit_code
        printed = capsys.readouterr().out
        assert f"  password     {SECRET}" in printed or json.loads(printed)["secret_dollars_a_month"] == 0.4
