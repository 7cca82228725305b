"""What `destroy_cluster.py --snapshot` kept comes back with `create_cluster.py --from-snapshot`, both kinds."""

import pytest

from infra import create_cluster, destroy_cluster
from infra.aws import tags
from infra.config import load_settings
from tests.aws.test_cluster_life import EVERY, everything
from tests.fixtures.aws import Killed, config_text, script
from tests.fixtures.serverless_fake import MARKED, ServerlessFake, error

SERVERLESS = "DWH_CLUSTER_TYPE=serverless"


def keep(aws_config) -> list[str]:
    """Make a cluster or a workgroup and destroy it with a snapshot; the options that name the dwh.cfg."""
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    assert destroy_cluster.main([*here, "--yes", "--snapshot", "kept"]) == 0
    return here


def test_a_cluster_comes_back(moto, aws_config, tmp_path):
    """As a user runs it, twice: with its role, its groups and its tags; the password stays as it is in dwh.cfg."""
    aws_config.write_text(config_text("DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=2\nDWH_TAGS=team=data"))
    keep(aws_config)
    for dry in (["--dry-run"], [], []):
        end = script("create_cluster", "--from-snapshot", "kept", *dry, "--config", aws_config, cwd=tmp_path)
        assert end.returncode == 0, end.stderr
        assert (
            "From the snapshot kept: data, users and their passwords are as when it was taken. "
            "So for dwhuser DB_PASSWORD is to be the one it had then; AWS's console sets a new one.\n"
        ) in end.stdout
    (cluster,) = moto.redshift.describe_clusters(ClusterIdentifier="dwhcluster")["Clusters"]
    settings = load_settings(aws_config)
    assert (cluster["NumberOfNodes"], cluster["Endpoint"]["Address"]) == (2, settings.host)
    assert [each["IamRoleArn"] for each in cluster["IamRoles"]] == [settings.role_arn]
    assert [each["ParameterGroupName"] for each in cluster["ClusterParameterGroups"]] == ["dwhcluster-redshift"]
    (group,) = moto.ec2.describe_security_groups(GroupNames=["dwhcluster-redshift"])["SecurityGroups"]
    assert [each["VpcSecurityGroupId"] for each in cluster["VpcSecurityGroups"]] == [group["GroupId"]]
    values = tags.read(cluster["Tags"])
    assert (values["cluster"], values["snapshot"], values["team"]) == ("dwhcluster", "kept", "data")
    assert settings.password == MARKED["PASSWORD"]
    end = script("cluster_status", "--config", aws_config, cwd=tmp_path)
    assert end.returncode == 0 and "TLS          required" in end.stdout
    assert script("destroy_cluster", "--yes", "--config", aws_config, cwd=tmp_path).returncode == 0
    assert (everything(moto)["clusters"], everything(moto)["snapshots"]) == ([], ["kept"])


def test_what_is_asked_of_aws(moto, wire, aws_config):
    """No password, no database and no tags go with the request: it takes none. A new number of nodes does."""
    asked = {}
    here = keep(aws_config)
    wire.fakes["redshift"] = lambda name, params: asked.update({name: dict(params)})
    aws_config.write_text(config_text("DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=2", password=""))
    assert create_cluster.main([*here, "--from-snapshot", "kept", "--manage-password"]) == 0
    request = asked["RestoreFromClusterSnapshot"]
    assert set(request) == {
        *(
            "ClusterIdentifier",
            "SnapshotIdentifier",
            "SnapshotClusterIdentifier",
            "NodeType",
            "NumberOfNodes",
            "Port",
            "IamRoles",
        ),
        *("VpcSecurityGroupIds", "ClusterParameterGroupName", "PubliclyAccessible", "EnhancedVpcRouting"),
        "ManageMasterPassword",
    }
    assert "CreateCluster" not in asked and load_settings(aws_config).password == ""


def test_tags_that_aws_does_not_take_yet(moto, wire, aws_config):
    """While it makes the cluster, AWS may refuse them; they are tried again."""
    here, left = keep(aws_config), [2]

    def redshift(name: str, params: dict) -> dict | None:
        """Refuse tags twice."""
        if name == "CreateTags" and left[0]:
            left[0] -= 1
            return error("InvalidClusterState")
        return None

    wire.fakes["redshift"] = redshift
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
    (cluster,) = moto.redshift.describe_clusters(ClusterIdentifier="dwhcluster")["Clusters"]
    assert left == [0] and tags.owner(cluster["Tags"]) == "dwhcluster"


@pytest.mark.parametrize("dwh", ["DWH_PAUSE_AT=20:00", SERVERLESS])
@pytest.mark.parametrize("after", ["rerun", "destroy"])
@EVERY
def test_cut_off_at_every_call(moto, wire, aws_config, capsys, dwh, after, every):
    """A rerun finishes it, and restores nothing twice; or destroy finds all of it."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=1)
    aws_config.write_text(text := config_text(dwh))
    here = keep(aws_config)
    before, number, whole = everything(moto), 1 - every, False
    while not whole:
        number, whole = number + every, True
        wire.sent, wire.die_at = 0, number
        try:
            create_cluster.main([*here, "--from-snapshot", "kept"])
        except Killed:
            whole = False
        wire.die_at = 0
        if after == "rerun":
            assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0, number
            restored = [thing["restored"] for thing in fake.things.values() if "restored" in thing]
            assert restored in ([], [["kept"]], [["kept", "kept"]])
            assert restored != [["kept", "kept"]] or not whole
            assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
            assert [thing["restored"] for thing in fake.things.values() if "restored" in thing] == restored
        assert destroy_cluster.main([*here, "--yes"]) == 0
        assert (everything(moto), fake.things, aws_config.read_text()) == (before, {}, text), number
    assert number > 12
    assert moto.redshift.describe_scheduled_actions()["ScheduledActions"] == []


def test_a_workgroup_comes_back(moto, wire, aws_config, capsys):
    """Namespace, workgroup, limit, and then the snapshot; its users come with it, so none is made."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=2)
    aws_config.write_text(config_text(SERVERLESS))
    here = keep(aws_config)
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
    namespace, workgroup = fake.things.values()
    assert namespace["restored"] == ["kept"]
    assert not {"adminUsername", "adminUserPassword", "manageAdminPassword"} & set(namespace["asked"])
    values = tags.read(namespace["tags"])
    assert (values["cluster"], values["snapshot"]) == ("dwhcluster", "kept")
    assert workgroup["body"]["status"] == "AVAILABLE" and len(fake.limits) == 1
    assert "namespace dwhcluster: restoring" in capsys.readouterr().err
    assert load_settings(aws_config).host.startswith("dwhcluster.")


def test_a_restore_that_is_over_at_once(moto, wire, aws_config):
    """A namespace that never says that it is at work: after some looks it is taken for done."""
    wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(SERVERLESS))
    assert create_cluster.main([*keep(aws_config), "--from-snapshot", "kept"]) == 0


@pytest.mark.parametrize("dwh", ["", SERVERLESS])
def test_snapshots_that_do_not_suit(moto, wire, aws_config, capsys, dwh):
    """Said before anything is made, also by a dry run."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(dwh))
    here = keep(aws_config)
    before = everything(moto)
    text = aws_config.read_text()
    cases = [(text, "no-such", "There is no snapshot no-such of a ")]
    cases.append((text.replace('"dwhuser"', "other"), "kept", "kept is of the database user dwhuser: write that into"))
    if not dwh:
        cases.append((text.replace("DB_NAME=dwh", "DB_NAME=other"), "kept", "is of the database dwh: write that into"))
    for changed, name, said in cases:
        aws_config.write_text(changed)
        for dry in (["--dry-run"], []):
            assert create_cluster.main([*here, "--from-snapshot", name, *dry]) == 1
            assert said in capsys.readouterr().err
    aws_config.write_text(text)
    if dwh:
        fake.snapshots[0]["status"] = "CREATING"
        assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 1
        assert "kept is creating: it can be restored only when it is available" in capsys.readouterr().err
    assert (everything(moto), fake.things) == (before, {})


def test_a_size_onto_which_aws_does_not_restore(moto, wire, aws_config, capsys):
    """Such as another type for a single node: asked before anything is made, but not where the size stays."""
    here, sizes = keep(aws_config), [{"NodeType": "ra3.large", "NumberOfNodes": 2}]
    wire.actions.clear()
    assert create_cluster.main([*here, "--from-snapshot", "kept", "--dry-run"]) == 0
    assert "redshift:DescribeNodeConfigurationOptions" not in wire.actions
    wire.fakes["redshift"] = lambda name, params: (
        {"NodeConfigurationOptionList": sizes} if name == "DescribeNodeConfigurationOptions" else None
    )
    aws_config.write_text(config_text("DWH_NODE_TYPE=ra3.xlplus"))
    for dry in (["--dry-run"], []):
        assert create_cluster.main([*here, "--from-snapshot", "kept", *dry]) == 1
        said = (
            "cannot be restored onto 1 x ra3.xlplus: set [DWH] DWH_NODE_TYPE and DWH_NUM_NODES to 1 x ra3.large as it"
        )
        assert f"{said} was, or to 2 x ra3.large." in capsys.readouterr().err
    assert everything(moto)["clusters"] == []


@pytest.mark.parametrize("dwh", ["", SERVERLESS])
def test_what_is_there_is_never_restored_over(moto, wire, aws_config, capsys, dwh):
    """Nothing is restored over data that are there; a restore that was cut off is not taken for a new cluster."""
    fake = wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(dwh))
    here = keep(aws_config)
    assert create_cluster.main(here) == 0
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 1
    assert "already that was not restored from kept: destroy it first" in capsys.readouterr().err
    assert destroy_cluster.main([*here, "--yes"]) == 0
    step = "CreateWorkgroup" if dwh else "CreateTags"

    def cut(name: str, params: dict) -> dict | None:
        """Die before this step."""
        if name == step:
            raise Killed
        return fake(name, params) if dwh else None

    wire.fakes["redshift-serverless" if dwh else "redshift"] = cut
    with pytest.raises(Killed):
        create_cluster.main([*here, "--from-snapshot", "kept"])
    wire.fakes |= {"redshift-serverless": fake, "redshift": lambda *_: None}
    assert create_cluster.main(here) == 1
    assert "is being restored: run this with --from-snapshot" in capsys.readouterr().err
    assert load_settings(aws_config).host == ""
    assert create_cluster.main([*here, "--from-snapshot", "kept"]) == 0
    assert create_cluster.main(here) == 0


def test_an_empty_name_is_refused(aws_config):
    with pytest.raises(SystemExit, match="2"):
        create_cluster.main(["--config", str(aws_config), "--from-snapshot", ""])
