"""Policies, rules, prices, errors, dwh.cfg: what needs no cluster."""

import errno
import ipaddress
import json
import os
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from infra import (
    cluster_status,
    create_cluster,
    destroy_cluster,
    open_incoming_port,
)
from infra.aws import actions, config_file, policies, polling, prices, security_group, tags
from infra.aws import connection as aws_connection
from infra.aws import session as aws_session
from infra.aws.client_errors import explain as explain_aws_error
from infra.aws.cluster_spec import RETIRED, check_password, read_cluster_spec
from infra.aws.context import make_context
from infra.aws.polling import poll, retry_new_role
from infra.aws.provisioned import Provisioned
from infra.aws.session import CA_BUNDLE, CLIENT_CONFIG
from infra.config import ROOT, load_settings, read_sections
from infra.errors import AwsError, ConfigError, WarehouseError
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import MARKED, ServerlessFake, error


def allows(policy: dict, action: str, resource: str, **context: str) -> bool:
    """Whether IAM would allow it: some statement fits in action, resource and every condition."""

    def listed(value) -> list:
        """One or many, as many."""
        return value if isinstance(value, list) else [value]

    def fits(pattern: str, text: str) -> bool:
        """IAM's patterns: * and ?, and ${*} for the letter itself."""
        parts = re.split(r"\$\{([*?$])\}|([*?])", pattern)
        words = [re.escape(word) for word in parts[::3]]
        for number, (letter, wild) in enumerate(zip(parts[1::3], parts[2::3], strict=True)):
            words[number] += re.escape(letter) if letter else {"*": ".*", "?": "."}[wild]
        return re.fullmatch("".join(words), text) is not None

    return any(
        statement["Effect"] == "Allow"
        and any(fits(each, action) for each in listed(statement["Action"]))
        and any(fits(each, resource) for each in listed(statement["Resource"]))
        and all(
            key in context and any(fits(value, context[key]) for value in listed(values))
            for test in statement.get("Condition", {}).values()
            for key, values in test.items()
        )
        for statement in policy["Statement"]
    )


SOURCES = ("s3://udacity-dend/log_data/", "s3://udacity-dend/song_data/", "s3://udacity-dend/log_json_path.json")


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("log_data/2018/11/2018-11-01-events.json", True),
        ("song_data/A/A/A/TRAAAAW128F429D538.json", True),
        ("log_json_path.json", True),
        ("log_data_old/x.json", False),
        ("log_data", False),
        ("log_json_path.json2", False),
        ("udacity/secret.json", False),
    ],
)
def test_role_reads_exactly_the_configured_prefixes(key, allowed):
    """The objects of dwh.cfg and no neighbour; listing only below them; no writing, no other bucket."""
    policy = policies.read_policy(SOURCES, "aws")
    assert allows(policy, "s3:GetObject", f"arn:aws:s3:::udacity-dend/{key}") is allowed
    assert allows(policy, "s3:ListBucket", "arn:aws:s3:::udacity-dend", **{"s3:prefix": key}) is allowed
    assert not allows(policy, "s3:ListBucket", "arn:aws:s3:::udacity-dend")
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:GetBucketPolicy", "iam:PassRole"):
        assert not allows(policy, action, f"arn:aws:s3:::udacity-dend/{key}")
    assert not allows(policy, "s3:GetObject", f"arn:aws:s3:::udacity-dend2/{key}")


def test_letters_that_are_patterns_for_iam():
    """A * in a key means itself; a whole bucket is a source, too."""
    policy = policies.read_policy(("s3://b/a*b/", "s3://whole/"), "aws")
    assert allows(policy, "s3:GetObject", "arn:aws:s3:::b/a*b/x")
    assert not allows(policy, "s3:GetObject", "arn:aws:s3:::b/a-b/x")
    assert allows(policy, "s3:GetObject", "arn:aws:s3:::whole/any/thing")


@given(st.text(alphabet="ab/*?$.", max_size=8), st.text(alphabet="ab/*?$.", max_size=8))
def test_read_policy_for_any_keys(folder, key):
    """Whatever the folder is called: a key is readable if and only if it lies in it."""
    policy = policies.read_policy((f"s3://bucket/{folder}/",), "aws")
    assert allows(policy, "s3:GetObject", f"arn:aws:s3:::bucket/{key}") is key.startswith(f"{folder}/")


def test_trust():
    """Only Redshift may assume the role, and only for this account."""
    (statement,) = policies.trust_policy("123456789012")["Statement"]
    assert statement["Principal"] == {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def lives(wire, aws_config: Path) -> None:
    """Go through all that the scripts can do, so that every call is made."""
    here = ["--config", str(aws_config)]
    for main, options in (
        (create_cluster.main, ["--managed-policy"]),
        (create_cluster.main, []),
        (open_incoming_port.main, ["--cidr", "203.0.113.7"]),
        (cluster_status.main, ["--pause"]),
        (cluster_status.main, ["--resume"]),
        (open_incoming_port.main, ["--close"]),
        (create_cluster.main, ["--managed-policy"]),
    ):
        assert main([*here, *options]) == 0
    assert aws_connection.temporary_credentials(load_settings(aws_config))[0] == "IAM:dwhuser"
    assert destroy_cluster.main([*here, "--yes"]) == 0


def test_caller_policy_is_what_the_calls_need(moto, wire, aws_config, monkeypatch):
    """The caller's policies allow every call that is made, and nothing that is not made or implied."""
    monkeypatch.setattr(aws_connection.psycopg2, "connect", refuse)
    here = ["--config", str(aws_config)]
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    fake("CreateNamespace", {"namespaceName": "another", "iamRoles": [], "tags": []})
    aws_config.write_text(config_text(password=""))
    lives(wire, aws_config)

    # A subnet group, and a cluster without its role.
    aws_config.write_text(config_text("DWH_SUBNET_GROUP=mine"))
    subnet = moto.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    moto.redshift.create_cluster_subnet_group(ClusterSubnetGroupName="mine", Description="x", SubnetIds=[subnet])
    assert create_cluster.main(here) == 0
    wire.fakes["redshift"] = lambda name, params: {"Cluster": {}} if name == "ModifyClusterIamRoles" else None
    cluster = Provisioned(aws_session.make_session(load_settings(aws_config), "us-west-2"), "dwhcluster")
    cluster.attach_role(replace(cluster.find(), roles=()), "arn:aws:iam::123456789012:role/dwhRole")
    assert destroy_cluster.main([*here, "--yes"]) == 0
    wire.fakes.pop("redshift")

    # A permissions boundary.
    arn = moto.iam.create_policy(
        PolicyName="dwhcluster-boundary",
        PolicyDocument=json.dumps(policies.boundary_policy("123456789012", "aws", make_context(aws_config).spec)),
    )["Policy"]["Arn"]
    aws_config.write_text(config_text(f"DWH_PERMISSIONS_BOUNDARY={arn}"))
    assert create_cluster.main(here) == 0
    assert destroy_cluster.main([*here, "--yes"]) == 0

    # Guards, then others; subnets of one's own, in a group that a run that was cut off has left with another.
    for guards in ("DWH_PAUSE_AT=20:00\nDWH_BUDGET_MAIL=me@example.org", "DWH_PAUSE_AT=21:00\nDWH_BUDGET_MAIL=x@y.org"):
        aws_config.write_text(config_text(f"{guards}\nDWH_SUBNET_IDS={subnet}"))
        assert create_cluster.main(here) == 0
    assert create_cluster.main(here) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    two = "DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=2\nDWH_PUBLICLY_ACCESSIBLE=false"
    for dwh, options in (
        (two, ["--from-snapshot", "kept", "--dry-run"]),
        ("", ["--from-snapshot", "kept"]),
        (two, ["--apply"]),
    ):
        aws_config.write_text(config_text(f"{dwh}\nDWH_SUBNET_IDS={subnet}"))
        assert create_cluster.main([*here, *options]) == 0
    assert destroy_cluster.main([*here, "--yes"]) == 0
    other = moto.ec2.describe_subnets()["Subnets"][1]["SubnetId"]
    moto.redshift.create_cluster_subnet_group(
        ClusterSubnetGroupName="dwhcluster-redshift",
        Description="x",
        SubnetIds=[other],
        Tags=tags.as_list("dwhcluster"),
    )
    wire.fakes["redshift"] = lambda name, params: {} if name == "ModifyClusterSubnetGroup" else None
    assert create_cluster.main(here) == 0
    assert wire.fakes.pop("redshift")
    assert destroy_cluster.main([*here, "--yes"]) == 0
    by_cluster = {actions.BUDGET.get(action, action) for action in wire.actions}
    wire.actions.clear()
    fake.things.clear()

    aws_config.write_text(config_text("DWH_CLUSTER_TYPE=serverless", password=""))
    assert create_cluster.main([*here, "--manage-password"]) == 0
    next(iter(fake.things.values()))["body"]["iamRoles"] = []
    assert create_cluster.main(here) == 0
    assert aws_connection.temporary_credentials(load_settings(aws_config))[0] == "IAMR:someone"
    assert destroy_cluster.main([*here, "--yes"]) == 0
    for dwh in ("", "DWH_BASE_RPU=8\nDWH_DAILY_RPU_HOURS=9"):
        aws_config.write_text(config_text(f"DWH_CLUSTER_TYPE=serverless\n{dwh}"))
        assert create_cluster.main([*here, "--apply"]) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
    assert destroy_cluster.main([*here, "--yes"]) == 0
    by_serverless = {actions.BUDGET.get(action, action) for action in wire.actions}

    serverless = policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)
    aws_config.write_text(config_text())
    provisioned = policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)

    def named(*documents: dict) -> set[str]:
        """All actions of policies."""
        return {each for document in documents for statement in document["Statement"] for each in statement["Action"]}

    assert set(actions.IMPLIED.values()) <= by_cluster | by_serverless
    assert named(provisioned) == by_cluster | {each for each in actions.IMPLIED if "redshift-serverless:" not in each}
    assert by_serverless <= named(serverless)
    shared = named(serverless) - by_serverless - set(actions.IMPLIED)
    assert shared <= by_cluster and not any(each.startswith("redshift") for each in shared)
    assert "*" not in "".join(named(provisioned, serverless))
    group = "arn:aws:redshift:us-west-2:123456789012:parametergroup:dwhcluster-redshift"
    assert allows(provisioned, "redshift:ModifyClusterParameterGroup", group)
    assert not allows(provisioned, "redshift:ModifyClusterParameterGroup", group.replace("dwhcluster", "other"))
    assert not allows(provisioned, "iam:CreateRole", "arn:aws:iam::123456789012:role/Admin")
    assert not allows(provisioned, "redshift:DeleteCluster", "arn:aws:redshift:us-west-2:123456789012:cluster:other")


def refuse(**_):
    """Stand for a psycopg2.connect that nobody answers."""
    raise aws_connection.psycopg2.OperationalError("timeout expired")


def test_policies_only_name_actions_of_boto3s_services():
    """Every action that a script calls is an operation of the service's model: no typing error."""
    loader = botocore.session.Session()
    for action in (
        *actions.LOOKS, *actions.ROLE, *actions.GROUP, *actions.CLUSTER, *actions.SERVERLESS, *actions.BUDGET
    ):  # fmt: skip
        service, operation = action.split(":")
        assert operation in loader.get_service_model(service).operation_names


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "does not allow you redshift:CreateCluster"),
        ("UnauthorizedOperation", "does not allow you redshift:CreateCluster"),
        ("ExpiredToken", "renew them"),
        ("ExpiredTokenException", "renew them"),
        ("RequestExpired", "renew them"),
        ("InvalidClientTokenId", "renew them"),
        ("SignatureDoesNotMatch", "renew them"),
        ("InsufficientClusterCapacity", "no free capacity"),
        ("InsufficientCapacityException", "no free capacity"),
        ("ClusterQuotaExceeded", "quota"),
        ("NumberOfNodesQuotaExceeded", "quota"),
        ("ServiceQuotaExceededException", "quota"),
        ("Throttling", "throttling"),
        ("RequestLimitExceeded", "throttling"),
        ("InvalidParameterValue", "answers CreateCluster with InvalidParameterValue"),
    ],
)
def test_refusals_in_one_sentence(wire, aws_config, capsys, code, said, monkeypatch):
    """Each way in which AWS refuses has its sentence, on stderr, with exit code 1 and no token in it."""
    monkeypatch.setattr(polling, "POLL_SECONDS", 0)
    message = (
        f"User x is not authorized to perform: redshift:CreateCluster {MARKED['TOKEN'] if 'renew' in said else ''}"
    )

    def sts(name, params):
        """The caller."""
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/x", "UserId": "x"}

    def iam(name, params):
        """A role that is there."""
        role = {"Path": "/", "RoleName": "dwhRole", "RoleId": "A" * 16, "Arn": "arn:aws:iam::123456789012:role/dwhRole"}
        role |= {"CreateDate": datetime.now(timezone.utc), "Tags": tags.as_list("dwhcluster")}
        role["AssumeRolePolicyDocument"] = json.dumps(policies.trust_policy("123456789012"))
        return {"GetRole": {"Role": role}, "ListAttachedRolePolicies": {"AttachedPolicies": []}}.get(name, {})

    def ec2(name, params):
        """A VPC with the group in it."""
        if name == "DescribeVpcs":
            return {"Vpcs": [{"VpcId": "vpc-1"}]}
        group = {"VpcId": "vpc-1", "GroupId": "sg-1", "IpPermissions": [], "Tags": tags.as_list("dwhcluster")}
        return {"SecurityGroups": [group]}

    def cluster(name, params):
        """A parameter group can be made, but no cluster is to be had."""
        if name.endswith("ParameterGroup"):
            return {}
        if name == "DescribeOrderableClusterOptions":
            return {"OrderableClusterOptions": [{"NodeType": "ra3.large", "ClusterType": "single-node"}]}
        missing = {
            "DescribeClusters": "ClusterNotFound",
            "DescribeClusterParameterGroups": "ClusterParameterGroupNotFound",
        }
        return error(missing[name]) if name in missing else error(code, message)

    wire.fakes |= {"sts": sts, "iam": iam, "ec2": ec2, "redshift": cluster}
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_new_role_is_waited_for(monkeypatch):
    """A role that Redshift does not know yet is tried again, a bounded number of times; other errors are not."""
    monkeypatch.setattr(polling, "POLL_SECONDS", 0)
    calls = []

    def call(answers):
        """Fail with each of the answers, then succeed."""

        def go():
            """One try."""
            calls.append(1)
            if len(calls) <= len(answers):
                raise ClientError(answers[len(calls) - 1], "CreateCluster")

        return go

    unknown = error("InvalidParameterValue", "The IAM role arn:x is not valid")
    retry_new_role(call([unknown] * 3))
    assert len(calls) == 4
    for answers, number in (([unknown] * 19, 9), ([error("InvalidParameterValue", "bad node type")], 1)):
        calls.clear()
        with pytest.raises(ClientError):
            retry_new_role(call(answers))
        assert len(calls) == number


def test_throttling_is_retried(moto, aws_config, monkeypatch):
    """boto3's own retries, as configured here, get through some refusals for haste."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    session, left = aws_session.make_session(load_settings(aws_config)), [3]

    class Raw:
        """The body of an answer."""

        def stream(self, *_):
            """Yield it."""
            yield b"<ErrorResponse><Error><Code>Throttling</Code><Message>Slow</Message></Error></ErrorResponse>"

    def throttle(request, **_):
        """Answer in AWS's place."""
        left[0] -= 1
        return AWSResponse(request.url, 400, {}, Raw()) if left[0] >= 0 else None

    session.events.register("before-send.redshift", throttle)
    assert session.client("redshift", config=CLIENT_CONFIG).describe_clusters()["Clusters"] == []
    assert left == [-1]


def test_no_credentials_is_explained():
    """Whoever has no keys is told how to give them."""
    assert "aws configure" in explain_aws_error(NoCredentialsError())


def test_waiting_is_bounded_and_shown(monkeypatch, capsys):
    """A wait ends after its minutes, with a line for each state and minute, not for each look."""
    clock = [0.0]
    monkeypatch.setattr(polling.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(polling.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    with pytest.raises(AwsError, match="cluster x: still creating after 3 minutes; run this again to wait on"):
        poll("cluster x", lambda: ("creating", None), minutes=3)
    assert capsys.readouterr().err.splitlines() == [
        f"  cluster x: creating, {minute} of at most 3 min" for minute in range(3)
    ]
    assert 180 <= clock[0] < 200


def test_session_token_of_the_file(aws_config, monkeypatch):
    """Temporary keys in dwh.cfg are used with their token."""
    keys = aws_session.make_session(load_settings(aws_config)).get_credentials()
    assert (keys.access_key, keys.token) == (MARKED["KEY"], MARKED["TOKEN"])
    assert "marked" not in repr(load_settings(aws_config)).lower()
    assert MARKED["PASSWORD"] not in repr(read_cluster_spec(load_settings(aws_config)))


@pytest.mark.parametrize("text", ["203.0.113.7/32", "2001:db8::/48"])
def test_rules(text):
    """A rule names one network and one port."""
    permission = security_group.rule(ipaddress.ip_network(text), 5439)
    assert security_group.open_to({"IpPermissions": [permission]}) == [(text, 5439)]


def test_the_world_is_not_let_in_unasked(moto, wire, aws_config, capsys):
    """No rule for everyone without --anyone; with it there is."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    here = ["--config", str(aws_config)]
    for wide in ("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1"):
        with pytest.raises(SystemExit, match="2"):
            open_incoming_port.main([*here, "--cidr", wide])
    assert security_group.open_to(security_group.find_groups(moto.ec2, "dwhcluster")[0]) == []
    assert open_incoming_port.main([*here, "--anyone"]) == 0
    assert open_incoming_port.main([*here, "--cidr", "::/0", "--anyone"]) == 0
    assert security_group.open_to(security_group.find_groups(moto.ec2, "dwhcluster")[0]) == [
        ("0.0.0.0/0", 5439),
        ("::/0", 5439),
    ]
    assert open_incoming_port.main([*here, "--close"]) == 0
    assert security_group.open_to(security_group.find_groups(moto.ec2, "dwhcluster")[0]) == []


def test_own_address(moto, wire, aws_config, capsys, monkeypatch):
    """The address is what check-ip says; where it says none, the user is told of --cidr."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0

    class Answer:
        """What urlopen gives."""

        def __init__(self, text: bytes):
            """Keep the text."""
            self.text = text

        def __enter__(self):
            """Itself."""
            return self

        def __exit__(self, *_):
            """Nothing to close."""

        def read(self, size):
            """The text."""
            return self.text

    monkeypatch.setattr(open_incoming_port.urllib.request, "urlopen", lambda *_, **__: Answer(b"198.51.100.4\n"))
    monkeypatch.setattr(open_incoming_port.aws_connection, "connect", refuse_politely)
    assert open_incoming_port.main(["--config", str(aws_config)]) == 1
    assert "nobody answers" in capsys.readouterr().err
    assert security_group.open_to(security_group.find_groups(moto.ec2, "dwhcluster")[0]) == [("198.51.100.4/32", 5439)]
    for bad in (Answer(b"<html>please log in</html>"), OSError("unreachable")):

        def urlopen(*_, bad=bad, **__):
            """Answer badly, or not at all."""
            if isinstance(bad, OSError):
                raise bad
            return bad

        monkeypatch.setattr(open_incoming_port.urllib.request, "urlopen", urlopen)
        assert open_incoming_port.main(["--config", str(aws_config)]) == 1
        assert "give it with --cidr" in capsys.readouterr().err


def refuse_politely(settings):
    """Stand for an aws_connection.connect that finds nobody."""
    raise WarehouseError("nobody answers")


def test_prices():
    """Known prices are given with date and source; unknown ones are called so."""
    assert prices.hourly("us-west-2", node_type="ra3.large", nodes=2) == 1.086
    assert prices.hourly("us-west-2", rpu=4) == 1.44
    assert prices.hourly("eu-north-1", node_type="ra3.large", nodes=1) is None
    assert prices.hourly("us-west-2", node_type="ra4.large", nodes=1) is None
    assert prices.hourly("eu-west-1", rpu=4) is None
    assert {len(each) for each in prices.NODE_HOUR.values()} == {len(prices.NODE_TYPES)}
    assert prices.describe("us-east-1", node_type="ra3.large", nodes=1).startswith("$0.54 per hour")
    assert prices.describe("eu-north-1", node_type="ra3.large", nodes=1).startswith(
        "unknown for eu-north-1; in us-east-1"
    )
    assert prices.describe("us-east-1", node_type="ra4.large", nodes=1) == "unknown; see " + prices.SOURCE
    assert prices.AS_OF in prices.describe("us-east-1", rpu=4)


@pytest.mark.parametrize(
    ("dwh", "said"),
    [
        ("DWH_NODE_TYPE=dc2.large", "is dc2.large, which AWS no longer offers: write ra3.large instead"),
        ("DWH_NODE_TYPE=ds2.xlarge", "write ra3.xlplus instead"),
        ("DWH_CLUSTER_TYPE=big", "DWH_CLUSTER_TYPE is 'big': write single-node, multi-node or serverless"),
        ("DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=1", "DWH_NUM_NODES is '1'"),
        ("DWH_NUM_NODES=4", "DWH_NUM_NODES is 4 for a single-node"),
        ("DWH_CLUSTER_TYPE=serverless\nDWH_BASE_RPU=5", "DWH_BASE_RPU is '5'"),
        ("DWH_CLUSTER_TYPE=serverless\nDWH_SUBNET_GROUP=x", "DWH_SUBNET_GROUP is not for serverless"),
        ("DWH_DAILY_RPU_HOURS=0", "DWH_DAILY_RPU_HOURS is '0'"),
        *(
            (f"DWH_NODE_TYPE={each}", f"DWH_NODE_TYPE is {each}, of which a cluster has at least 2")
            for each in ("ra3.4xlarge", "ra3.16xlarge", "rg.xlarge", "rg.4xlarge", "rg.12xlarge")
        ),
        ("DWH_PUBLICLY_ACCESSIBLE=maybe", "DWH_PUBLICLY_ACCESSIBLE is 'maybe'"),
    ],
)
def test_wrong_values_name_their_key(aws_config, capsys, dwh, said):
    """A wrong value is one sentence with file, section and key; the exit code is 2."""
    aws_config.write_text(config_text(dwh))
    assert cluster_status.main(["--config", str(aws_config)]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and said in printed and str(aws_config) in printed


def test_data_must_be_in_s3(tmp_path, capsys):
    """A cluster cannot read local or simulated data."""
    path = tmp_path / "dwh.cfg"
    path.write_text("[CLUSTER]\nDB_NAME=x\nDB_USER=y\n")
    assert create_cluster.main(["--config", str(path)]) == 2
    assert "[S3] LOG_DATA is not in S3" in capsys.readouterr().err


def cannot_write(*_):
    """Refuse, as a folder does that may not be written."""
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_file_that_cannot_be_written(moto, wire, aws_config, capsys, monkeypatch):
    """It is found before anything is made, and nothing of the file is lost."""
    before = aws_config.read_text()
    monkeypatch.setattr(config_file.os, "replace", cannot_write)
    assert create_cluster.main(["--config", str(aws_config)]) == 2
    assert f"{aws_config} cannot be written (Permission denied)" in capsys.readouterr().err
    assert not [action for action in wire.actions if re.search("Create|Put", action)]
    assert aws_config.read_text() == before and [each.name for each in aws_config.parent.iterdir()] == ["dwh.cfg"]


def test_a_file_that_can_no_longer_be_written(moto, wire, aws_config, capsys, monkeypatch):
    """While the cluster is made: HOST and ARN are printed; after it is destroyed: which keys to empty."""
    monkeypatch.setattr(config_file, "check_writable", lambda path: None)
    with monkeypatch.context() as patch:
        patch.setattr(config_file.os, "replace", cannot_write)
        assert create_cluster.main(["--config", str(aws_config)]) == 1
    said = capsys.readouterr().err
    host = moto.redshift.describe_clusters()["Clusters"][0]["Endpoint"]["Address"]
    role = moto.iam.get_role(RoleName="dwhRole")["Role"]["Arn"]
    assert f"write [CLUSTER] HOST={host}, [IAM_ROLE] ARN={role} there yourself." in said
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(config_file.os, "replace", cannot_write)
        assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 1
    printed = capsys.readouterr()
    assert "Nothing that costs money is left" in printed.out
    assert "empty [CLUSTER] HOST and [IAM_ROLE] ARN there yourself" in printed.err


def test_every_retired_node_type_has_one_that_is_sold():
    """What is to be written instead is a node type with a known price."""
    assert set(RETIRED.values()) <= set(prices.NODE_TYPES)


@pytest.mark.parametrize(
    "password", ["Short1", "nouppercase1", "NOLOWERCASE1", "NoDigitsHere", "With space1A", "With/slash1A", "Ümläut1AA"]
)
def test_passwords_that_redshift_refuses(aws_config, password):
    """The reason is given, the password is not."""
    with pytest.raises(ConfigError) as caught:
        check_password(aws_config, password)
    assert password not in str(caught.value) and "DB_PASSWORD does not suit" in str(caught.value)
    check_password(aws_config, create_cluster.new_password())


def test_managed_password_and_a_given_one_exclude_each_other(moto, wire, aws_config, capsys):
    """Else the file's password would be used to sign in, and be wrong."""
    assert create_cluster.main(["--config", str(aws_config), "--manage-password"]) == 2
    assert "leave out --manage-password" in capsys.readouterr().err
    assert "iam:CreateRole" not in wire.actions


def test_password_of_the_environment(moto, wire, aws_config, monkeypatch, capsys):
    """It is used, and written nowhere."""
    aws_config.write_text(config_text(password=""))
    monkeypatch.setenv("DWH_DB_PASSWORD", MARKED["PASSWORD"])
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert MARKED["PASSWORD"] not in aws_config.read_text()
    assert load_settings(aws_config).password == MARKED["PASSWORD"]


def test_managed_password(moto, wire, aws_config):
    """--manage-password asks for Secrets Manager and sends no password."""
    asked = {}
    aws_config.write_text(config_text(password=""))

    def spy(name, params):
        """Look at what is asked for."""
        if name == "CreateCluster":
            asked.update(params)

    wire.fakes["redshift"] = spy
    assert create_cluster.main(["--config", str(aws_config), "--manage-password"]) == 0
    assert asked["ManageMasterPassword"] is True and "MasterUserPassword" not in asked
    assert load_settings(aws_config).password == ""


FILES = {
    "[CLUSTER]\nHOST=\n": "[CLUSTER]\nHOST=new\n",
    "[CLUSTER]\r\nHOST = 'old'\r\n# c\r\n": "[CLUSTER]\r\nHOST = 'new'\r\n# c\r\n",
    '[cluster]\nhost : "old"  \nDB_NAME=x': '[cluster]\nhost : "new"  \nDB_NAME=x',
    "\ufeff[CLUSTER]\nHOST=''\n": "\ufeff[CLUSTER]\nHOST='new'\n",
    "[S3]\nHOST=no\n[CLUSTER]\nX=1\n\n# c\n[AWS]\n": "[S3]\nHOST=no\n[CLUSTER]\nX=1\n\n# c\nHOST=new\n[AWS]\n",
    "[S3]\nA=1": "[S3]\nA=1\n\n[CLUSTER]\nHOST=new\n",
    "": "\n[CLUSTER]\nHOST=new\n",
    "[CLUSTER]\n#HOST=a\n;HOST=b\nHOST=a\n  more\nX=1\n": "[CLUSTER]\n#HOST=a\n;HOST=b\nHOST=new\nX=1\n",
}


@pytest.mark.parametrize("before", FILES)
def test_values_are_written_without_disturbing_anything(tmp_path, before):
    """Comments, order, quotes, line ends and a byte order mark stay; the file ends up the owner's alone."""
    path = tmp_path / "dwh.cfg"
    path.write_bytes(before.encode())
    path.chmod(0o644)
    config_file.set_values(path, {("CLUSTER", "HOST"): "new"})
    assert path.read_bytes().decode() == FILES[before]
    config_file.set_values(path, {("CLUSTER", "HOST"): "new"})
    assert path.read_bytes().decode() == FILES[before]
    assert [each.name for each in tmp_path.iterdir()] == ["dwh.cfg"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


WORDS = st.text(alphabet="ab'\"=:;# ", max_size=8)
LINES = st.lists(st.tuples(st.sampled_from(["HOST", "host", "X", "#HOST", ";c"]), WORDS), max_size=5)


@given(LINES, LINES, st.text(alphabet="abc.-", min_size=1, max_size=9))
def test_what_is_written_is_read(tmp_path_factory, first, second, value):
    """For any file that can be read: the new value is read from it, and every other value is as before."""
    path = tmp_path_factory.mktemp("any") / "dwh.cfg"
    lines = ["[CLUSTER]", *(f"{key}={text}" for key, text in first), "[DWH]", *(f"{k}={t}" for k, t in second)]
    path.write_text("\n".join(lines))
    try:
        before = read_sections(path)
    except ConfigError:
        return  # a key that is there twice
    config_file.set_values(path, {("CLUSTER", "HOST"): value})
    before["CLUSTER"]["HOST"] = value
    assert read_sections(path) == before


def test_example(monkeypatch):
    """dwh.cfg.example has no secret, means the embedded warehouse, and describes a cluster that can be bought."""
    monkeypatch.delenv("DWH_DB_PASSWORD", raising=False)
    settings = load_settings(ROOT / "dwh.cfg.example")
    target = read_cluster_spec(settings)
    assert settings.embedded and not settings.simulated and not target.password
    assert (target.node_type, target.nodes, target.name, target.region) == ("ra3.large", 1, "sparkify", "us-west-2")
    assert target.sources == SOURCES
    keys = {(section, key) for section, values in read_sections(ROOT / "dwh.cfg.example").items() for key in values}
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra").rglob("*.py"))
    assert [key for _, key in sorted(keys) if f'"{key}"' not in code] == []


@pytest.mark.parametrize("node_type", ["ra3.large", "ra3.xlplus", "rg.large", "ra9.large"])
def test_node_types_of_which_one_is_enough(aws_config, node_type):
    """A type that these scripts do not know is left to AWS, which is asked before anything is made."""
    aws_config.write_text(config_text(f"DWH_NODE_TYPE={node_type}"))
    assert make_context(aws_config).spec.size == f"1 x {node_type}"


@pytest.mark.parametrize(("region", "rpu"), [("us-west-2", 4), ("eu-north-1", 4), ("eu-central-1", 8)])
def test_the_smallest_workgroup_of_the_region_is_the_default(aws_config, region, rpu):
    aws_config.write_text(config_text(f"DWH_CLUSTER_TYPE=serverless\nDWH_REGION={region}"))
    assert make_context(aws_config).spec.base_rpu == rpu


def test_course_file(tmp_path):
    """The course's dwh.cfg, but for its node type, describes its cluster."""
    path = tmp_path / "dwh.cfg"
    path.write_text(
        "[CLUSTER]\nHOST=\n[IAM_ROLE]\nARN=''\n"
        "[S3]\nLOG_DATA='s3://udacity-dend/log_data'\nLOG_JSONPATH='s3://udacity-dend/log_json_path.json'\n"
        "SONG_DATA='s3://udacity-dend/song_data'\n[AWS]\nKEY=\nSECRET=\n"
        "[DWH]\nDWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=4\nDWH_NODE_TYPE=ra3.large\nDWH_IAM_ROLE_NAME=dwhRole\n"
        "DWH_CLUSTER_IDENTIFIER=dwhCluster\nDWH_DB=dwh\nDWH_DB_USER=dwhuser\nDWH_DB_PASSWORD=Passw0rd\nDWH_PORT=5439\n"
    )
    target = read_cluster_spec(load_settings(path))
    assert (target.name, target.size, target.role) == ("dwhcluster", "4 x ra3.large", "dwhRole")
    assert (target.dbname, target.user, target.password, target.port) == ("dwh", "dwhuser", "Passw0rd", 5439)


def test_roots_of_amazon():
    """The roots that connections are verified with are Amazon's, among others."""
    text = CA_BUNDLE.read_text(encoding="utf-8")
    for number in (1, 2, 3, 4):
        assert f"CN=Amazon Root CA {number} " in text


def test_nothing_posix_only():
    """No shell, no signal, no call that Windows lacks but for a chmod with its fallback."""
    modules = [*(ROOT / "infra").glob("*.py"), *(ROOT / "infra/aws").glob("*.py")]
    code = {path.name: path.read_text(encoding="utf-8") for path in modules}
    for name, text in code.items():
        assert not re.search(
            r"os\.(fork|kill|getuid|system|popen)|shell=True|import (fcntl|pwd|grp|resource)\b", text
        ), name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dwhCluster", "sg-1", "DWH_CLUSTER_IDENTIFIER is 'sg-1': AWS takes no security group that begins with sg-"),
        ("dwhRole", "r" * 65, "DWH_IAM_ROLE_NAME is"),
        ("dwhRole", "my role", "DWH_IAM_ROLE_NAME is 'my role'"),
        ("DB_NAME=dwh", "DB_NAME=DWH", "[CLUSTER] DB_NAME is 'DWH': up to 64 lower-case letters"),
        ("DB_NAME=dwh", "DB_NAME=my-dwh", "[CLUSTER] DB_NAME is 'my-dwh'"),
        ('DB_USER="dwhuser"', "DB_USER=Admin", "[CLUSTER] DB_USER is 'Admin'"),
        ('DB_USER="dwhuser"', "DB_USER=public", "[CLUSTER] DB_USER is 'public'"),
        ("DB_NAME=dwh", "DB_NAME=snapshot", "[CLUSTER] DB_NAME is 'snapshot', a reserved word of Redshift"),
        ('DB_USER="dwhuser"', "DB_USER=user", "[CLUSTER] DB_USER is 'user', a reserved word of Redshift"),
    ],
)
def test_names_that_aws_refuses_are_found_before_anything_is_made(wire, aws_config, capsys, old, new, said):
    """moto takes each of them."""
    assert old in aws_config.read_text()
    aws_config.write_text(aws_config.read_text().replace(old, new))
    assert create_cluster.main(["--config", str(aws_config)]) == 2
    assert said in capsys.readouterr().err
    assert wire.actions == []
