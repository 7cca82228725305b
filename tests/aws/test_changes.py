"""A change in dwh.cfg for what is there: shown with its price, and with --apply made in place."""

import pytest

from infra import create_cluster, destroy_cluster
from infra.aws import changes
from infra.aws.cluster_spec import read_cluster_spec
from infra.aws.context import make_context
from infra.config import load_settings
from tests.aws.test_cluster_life import EVERY, everything
from tests.fixtures.aws import Killed, config_text, script
from tests.fixtures.serverless_fake import ServerlessFake, error

TWO = "DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=2"
FOUR = "DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=4\nDWH_PUBLICLY_ACCESSIBLE=false"


def rewrite(aws_config, dwh: str) -> None:
    """Give dwh.cfg another [DWH], and leave HOST and ARN."""
    text = aws_config.read_text()
    aws_config.write_text(text[: text.index("DWH_IAM_ROLE_NAME")] + f"DWH_IAM_ROLE_NAME = dwhRole\n{dwh}\n")


def cluster_of(moto) -> dict:
    """The cluster as moto has it."""
    (cluster,) = moto.redshift.describe_clusters(ClusterIdentifier="dwhcluster")["Clusters"]
    return cluster


def test_a_change_is_shown_and_made_when_asked(moto, aws_config, tmp_path):
    """As a user runs it, each step twice: shown with both prices, made by --apply, and then no difference."""
    aws_config.write_text(config_text(TWO))
    assert script("create_cluster", "--config", aws_config, cwd=tmp_path).returncode == 0
    rewrite(aws_config, FOUR)
    shown = (
        "The cluster is there already: 2 x ra3.large, available.\n"
        "  DWH_NODE_TYPE, DWH_NUM_NODES: 2 x ra3.large is there, dwh.cfg wants 4 x ra3.large ($1.09 an hour now, $2.17 "
        "then; elastic resize: some minutes, in which queries wait)\n"
        "  DWH_PUBLICLY_ACCESSIBLE: a public address is there, dwh.cfg wants a private address (the price stays, but "
        "for what AWS charges for a public IPv4 address; connections break for a moment)\n"
    )
    for options in (["--dry-run"], []):
        end = script("create_cluster", *options, "--config", aws_config, cwd=tmp_path)
        assert end.returncode == 0, end.stderr
        assert shown + "That stays as it is there: --apply changes it.\n" in end.stdout
        assert (cluster_of(moto)["NumberOfNodes"], cluster_of(moto)["PubliclyAccessible"]) == (2, True)
    end = script("create_cluster", "--apply", "--config", aws_config, cwd=tmp_path)
    assert end.returncode == 0, end.stderr
    assert "Changing DWH_NODE_TYPE, DWH_NUM_NODES from 2 x ra3.large to 4 x ra3.large.\n" in end.stdout
    assert (cluster_of(moto)["NumberOfNodes"], cluster_of(moto)["PubliclyAccessible"]) == (4, False)
    end = script("create_cluster", "--apply", "--config", aws_config, cwd=tmp_path)
    assert end.returncode == 0 and "Changing" not in end.stdout and "wants" not in end.stdout


@pytest.mark.parametrize(
    ("before", "after", "classic"),
    [
        (TWO, FOUR, False),
        (TWO, f"{FOUR}\nDWH_NODE_TYPE=ra3.xlplus", True),
        (TWO, "", True),
        ("", TWO, True),
    ],
)
def test_elastic_where_aws_can_and_classic_else(moto, wire, aws_config, capsys, before, after, classic):
    """Not to or from a single node, nor to another type; the request says so, and so does the user's line."""
    asked = {}
    aws_config.write_text(config_text(before))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    wire.fakes["redshift"] = lambda name, params: asked.update({name: dict(params)})
    rewrite(aws_config, after)
    assert create_cluster.main(["--config", str(aws_config), "--apply"]) == 0
    spec = read_cluster_spec(load_settings(aws_config))
    assert asked["ResizeCluster"] == {
        "ClusterIdentifier": "dwhcluster",
        "ClusterType": "multi-node" if spec.nodes > 1 else "single-node",
        "NodeType": spec.node_type,
        "NumberOfNodes": spec.nodes,
        "Classic": classic,
    }
    assert ("classic resize: it may take hours" in capsys.readouterr().out) is classic


def test_serverless_is_changed_one_by_one(moto, wire, aws_config, capsys):
    """RPU, address and daily limit, each in a request of its own, as AWS wants it."""
    fake = ServerlessFake(looks=0)
    asked = []

    def spy(name: str, params: dict) -> dict:
        """Note the changes."""
        if name.startswith("Update"):
            asked.append((name, dict(params)))
        return fake(name, params)

    wire.fakes["redshift-serverless"] = spy
    aws_config.write_text(config_text("DWH_CLUSTER_TYPE=serverless"))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    rewrite(
        aws_config,
        "DWH_CLUSTER_TYPE=serverless\nDWH_BASE_RPU=16\nDWH_DAILY_RPU_HOURS=20\nDWH_PUBLICLY_ACCESSIBLE=false",
    )
    capsys.readouterr()
    for _ in range(2):
        assert create_cluster.main(["--config", str(aws_config), "--apply"]) == 0
    printed = capsys.readouterr().out
    assert "4 RPU is there, dwh.cfg wants 16 RPU ($1.44 an hour in which queries run now, $5.76 then" in printed
    assert "DWH_DAILY_RPU_HOURS: 8 is there, dwh.cfg wants 20 ($2.88 a day at most now, $7.20 then" in printed
    assert asked == [
        ("UpdateWorkgroup", {"workgroupName": "dwhcluster", "baseCapacity": 16}),
        ("UpdateWorkgroup", {"workgroupName": "dwhcluster", "publiclyAccessible": False}),
        ("UpdateUsageLimit", {"usageLimitId": "limit-0", "amount": 20}),
    ]
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0


@EVERY
def test_cut_off_at_every_call_of_a_change(moto, wire, aws_config, capsys, every):
    """Wherever it is cut off: a rerun makes the change, and destroy finds all."""
    here = ["--config", str(aws_config), "--apply"]
    aws_config.write_text(config_text(TWO))
    before, number, whole = everything(moto), 1 - every, False
    while not whole:
        rewrite(aws_config, TWO)
        assert create_cluster.main(here) == 0
        rewrite(aws_config, FOUR)
        number += every
        wire.sent, wire.die_at, whole = 0, number, True
        try:
            create_cluster.main(here)
        except Killed:
            whole = False
        wire.die_at = 0
        assert create_cluster.main(here) == 0
        assert (cluster_of(moto)["NumberOfNodes"], cluster_of(moto)["PubliclyAccessible"]) == (4, False)
    assert number > 15
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert everything(moto) == before


def test_aws_at_work_is_waited_for(moto, wire, aws_config, monkeypatch):
    """AWS refuses while it is at work, and goes on calling the cluster available with its old nodes for a moment."""
    aws_config.write_text(config_text(TWO))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    rewrite(aws_config, FOUR)
    asked = []

    def redshift(name: str, params: dict) -> dict | None:
        """Refuse twice, take it, and show it two looks later."""
        if name == "ResizeCluster":
            asked.append(name)
            return error("InvalidClusterState", "There is an operation running") if len(asked) < 3 else {"Cluster": {}}
        if name == "DescribeClusters" and asked[2:]:
            asked.append(name)
            if len(asked) == 6:
                wire.fakes.clear()
                moto.redshift.resize_cluster(ClusterIdentifier="dwhcluster", NumberOfNodes=4)
        return None

    wire.fakes["redshift"] = redshift
    context = make_context(str(aws_config))
    change = context.cluster.changes(context.spec, context.cluster.find())[0]
    changes.apply(context.cluster, context.spec, change)
    assert asked.count("ResizeCluster") == 3
    assert cluster_of(moto)["NumberOfNodes"] == 4
