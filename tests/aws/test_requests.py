"""Every request of every script, held against what AWS documents of it: moto takes much that AWS refuses."""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from infra import cluster_status, create_cluster, destroy_cluster, open_incoming_port
from infra.aws import budget
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import ServerlessFake

# What AWS's API references say of a member in words, which the service models do not have as a pattern.
DOCUMENTED = {
    "ClusterIdentifier": r"(?!.*--)[a-z][a-z0-9-]{0,61}[a-z0-9]",
    "DBName": "[a-z][a-z0-9_]{0,63}",
    "MasterUsername": r"[a-z][a-z0-9_+.@-]{0,127}",
    "NumberOfNodes": r"[2-9]|[1-9]\d|100",
    "ParameterGroupName": r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,253}[A-Za-z0-9]",
    "ClusterParameterGroupName": r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,253}[A-Za-z0-9]",
    "ClusterSubnetGroupName": "(?!default$)[A-Za-z0-9-]{1,255}",
    "FinalClusterSnapshotIdentifier": r"(?!.*--)[a-z][a-z0-9-]{0,253}[a-z0-9]",
    "ScheduledActionName": r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "ScheduledActionDescription": r"[\x09\x0a\x0d\x20-\xff]{1,255}",
    "Schedule": r"cron\(\d{1,2} \d{1,2} \* \* \? \*\)",  # minutes, hours, day, month, day of the week, year
    "GroupName": r"(?!sg-)[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}",
    "CreateSecurityGroup.Description": r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}",
    "IpRanges[].Description": r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}",
    "Port": r"54[345]\d|8(19[1-9]|20\d|21[0-5])",
    "baseCapacity": r"4|8|[1-9]\d+",
}
LONGEST = {"ScheduledActionName": 60, "AssumeRolePolicyDocument": 2048, "PolicyDocument": 10240, "Tags": 50}
NAME = "a" * 53 + "-" + "b" * 9  # of 63 letters, with a hyphen where the scheduled action's name is cut


def faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Compare a value with its shape in the service's model, and with what is documented in words."""
    key = re.split(r"[.\[]", path.rstrip("]0123456789["))[-1]
    if isinstance(value, dict):
        members = getattr(shape, "members", {})
        for name, each in value.items():
            yield from faults(members.get(name, getattr(shape, "value", shape)), each, f"{path}.{name}")
        return
    if isinstance(value, list):
        if len(value) > LONGEST.get(key, shape.metadata.get("max", 10**6)):
            yield f"{path} has {len(value)} entries"
        for each in value:
            yield from faults(shape.member, each, f"{path}[]")
        return
    text = str(value)
    least, most = shape.metadata.get("min", 0), LONGEST.get(key, shape.metadata.get("max", 10**6))
    if isinstance(value, str) and not least <= len(value) <= most:
        yield f"{path} has {len(value)} characters: {value}"
    pattern = shape.metadata.get("pattern", "").replace(r"\p{L}\p{Z}\p{N}", r"\w\s").replace("(?i)", "")
    if pattern and not re.search(f"^(?:{pattern})$", text):
        yield f"{path} is {value!r}, not {pattern}"
    for name, form in DOCUMENTED.items():
        if f".{path}".endswith(f".{name}") and not re.fullmatch(form, text):
            yield f"{path} is {value!r}, not {form}"


@pytest.fixture
def asked(wire) -> Iterator[set[str]]:
    """The operations asked for, each of whose requests is compared when it is made."""
    loader, done, wrong = botocore.session.get_session(), set(), []
    fake = ServerlessFake(looks=0)

    def spy(service: str, answer=lambda *_: None):
        """Compare the request, and let it through."""
        model = loader.get_service_model(service)

        def look(name: str, params: dict) -> Any:
            """Note the faults of one request, and answer it."""
            done.add(f"{service}:{name}")
            wrong.extend(faults(model.operation_model(name).input_shape, dict(params), name) if params else ())
            return answer(name, params)

        return look

    for service in ("iam", "ec2", "redshift", "budgets"):
        wire.fakes[service] = spy(service)
    wire.fakes["redshift-serverless"] = spy("redshift-serverless", fake)
    yield done
    assert wrong == []


def long_config(aws_config, dwh: str) -> None:
    """Write a dwh.cfg whose names are as long as they may be."""
    tags = ", ".join([f"{'k' * 127}{n}={'v' * 256}" for n in range(3)])
    text = config_text(f"{dwh}\nDWH_TAGS={tags}").replace("dwhCluster", NAME).replace("dwhRole", "r" * 64)
    aws_config.write_text(text.replace("DB_NAME=dwh", f"DB_NAME={'d' * 64}").replace('"dwhuser"', f'"{"u" * 128}"'))


def test_a_cluster_with_the_longest_names(moto, asked, aws_config):
    here = ["--config", str(aws_config)]
    subnets = ",".join(each["SubnetId"] for each in moto.ec2.describe_subnets()["Subnets"])
    guards = f"DWH_PAUSE_AT=7:05\nDWH_BUDGET_MAIL=me@example.org\nDWH_SUBNET_IDS={subnets}"
    for dwh in ("", "DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=2\nDWH_PUBLICLY_ACCESSIBLE=false"):
        long_config(aws_config, f"{guards}\n{dwh}")
        assert create_cluster.main([*here, "--apply"]) == 0
    assert open_incoming_port.main([*here, "--cidr", "203.0.113.7"]) == 0
    for option in ("--pause", "--resume"):
        assert cluster_status.main([*here, option]) == 0
    assert open_incoming_port.main([*here, "--close"]) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "k" * 255]) == 0
    assert create_cluster.main([*here, "--from-snapshot", "k" * 255]) == 0
    assert destroy_cluster.main([*here, "--yes"]) == 0
    made = ("CreateCluster", "RestoreFromClusterSnapshot", "CreateScheduledAction", "ResizeCluster", "DeleteCluster")
    assert {f"redshift:{each}" for each in made} < asked and "budgets:CreateBudget" in asked
    assert moto.redshift.describe_scheduled_actions()["ScheduledActions"] == []


def test_a_workgroup_with_the_longest_names(moto, asked, aws_config):
    here = ["--config", str(aws_config)]
    long_config(aws_config, "DWH_CLUSTER_TYPE=serverless")
    assert create_cluster.main(here) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
    long_config(aws_config, "DWH_CLUSTER_TYPE=serverless\nDWH_BASE_RPU=512\nDWH_DAILY_RPU_HOURS=9")
    assert create_cluster.main([*here, "--apply"]) == 0
    assert destroy_cluster.main([*here, "--yes"]) == 0
    assert "redshift-serverless:UpdateWorkgroup" in asked and "redshift-serverless:RestoreFromSnapshot" in asked


def test_the_comparison_finds_faults():
    """Else the tests above could not fail."""
    model = botocore.session.get_session().get_service_model("redshift")
    shape = model.operation_model("CreateScheduledAction").input_shape
    wrong = {"ScheduledActionName": "a" * 61, "Schedule": "cron(0 20 * * * *)"}
    assert [each.split(" ")[0] for each in faults(shape, wrong, "x")] == ["x.ScheduledActionName", "x.Schedule"]
    iam = botocore.session.get_session().get_service_model("iam").operation_model("CreateRole").input_shape
    wrong = {"RoleName": "r" * 65, "Description": "\u2014", "Tags": [{"Key": "a?", "Value": "x"}] * 51}
    found = [each.split(" ")[0] for each in faults(iam, wrong, "x")]
    assert set(found) == {"x.RoleName", "x.Description", "x.Tags", "x.Tags[].Key"}


def test_the_longest_budget_name(aws_config):
    """Up to 100 characters, without : and \\, and not /action/."""
    from infra.aws.context import make_context

    long_config(aws_config, "DWH_REGION=ap-southeast-2\nDWH_BUDGET_MAIL=me@example.org")
    assert re.fullmatch(r"(?!.*/action/)[^:\\]{1,100}", budget.name(make_context(aws_config).spec))
