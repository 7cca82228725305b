"""What moto cannot show: clusters that take their time, go wrong, or are refused; answers are checked by the model."""

from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.stub import Stubber

from infra import cluster_status
from infra.aws import parameter_group, polling, tags
from infra.aws import session as aws_session
from infra.aws.cluster_spec import read_cluster_spec
from infra.aws.provisioned import Provisioned
from infra.aws.serverless import Serverless
from infra.config import AwsKeys
from infra.errors import AwsError
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import ServerlessFake, error

SESSION = boto3.Session("AKIAX", "x", region_name="us-east-1")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that only sleeping moves; its list holds the seconds."""
    now = [0.0]
    monkeypatch.setattr(polling.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(polling.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def state(name: str, **more) -> dict:
    """An answer of DescribeClusters."""
    cluster = {"ClusterIdentifier": "x", "ClusterStatus": name, "NumberOfNodes": 2, "NodeType": "ra3.large"}
    cluster |= {"Endpoint": {"Address": "x.y", "Port": 5439}, "Tags": tags.as_list("x")} | more
    return {"Clusters": [cluster]}


def play(*answers: tuple[str, dict | str]):
    """A cluster with a Stubber that gives these answers, a dict or the name of an error, in this order."""
    cluster = Provisioned(SESSION, "x")
    stubber = Stubber(cluster.client)
    for operation, answer in answers:
        if isinstance(answer, str):
            stubber.add_client_error(operation, answer, f"{answer} it is")
        else:
            stubber.add_response(operation, answer)
    stubber.activate()
    return cluster, stubber


def looks(*states: str) -> list[tuple[str, dict]]:
    """Some looks at the cluster."""
    return [("describe_clusters", state(each)) for each in states]


def test_creating_takes_its_time(capsys, clock):
    """The wait goes on through creating and modifying until there is an available cluster with an endpoint."""
    first = ("describe_clusters", state("creating", Endpoint={}))
    nearly = ("describe_clusters", state("available", Endpoint={}))
    cluster, stubber = play(first, *looks("creating", "modifying"), nearly, *looks("available"))
    assert cluster.wait().host == "x.y"
    stubber.assert_no_pending_responses()
    assert "cluster x: modifying" in capsys.readouterr().err


def test_available_while_something_is_cleaned_up():
    """AWS adds what it does to the word available."""
    for text in ("available, resize-cleanup", "available, prep-for-resize"):
        cluster, _ = play(*looks(text))
        assert cluster.wait().state == "available"


def test_creating_without_end(clock):
    """After half an hour the wait is given up, and the user told to wait on."""
    cluster, _ = play(*looks(*["creating"] * 200))
    with pytest.raises(AwsError, match="still creating after 30 minutes; run this again"):
        cluster.wait()
    assert 1800 <= clock[0] < 1830


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("incompatible-network", "is incompatible-network: it will not become available"),
        ("hardware-failure", "is hardware-failure: it will not become available"),
        ("insufficient-capacity", "is insufficient-capacity: it will not become available"),
        ("inaccessible-kms-key", "is inaccessible-kms-key: it will not become available"),
        ("deleting", "is deleting: it will not become available"),
        ("paused", "is paused: resume it with `python infra/cluster_status.py --resume`"),
    ],
)
def test_states_that_lead_nowhere(name, said):
    """These are not waited for."""
    cluster, _ = play(*looks(name))
    with pytest.raises(AwsError, match=said):
        cluster.wait()


def test_deleting_waits_for_its_turn_and_its_end():
    """A cluster that is being made cannot be deleted yet; then it is, with its snapshot, and it is waited for."""
    refused = [*looks("creating"), ("delete_cluster", "InvalidClusterState")]
    accepted = [*looks("available"), ("delete_cluster", {"Cluster": {}})]
    gone = ("describe_clusters", "ClusterNotFound")
    cluster, stubber = play(*refused, *refused, *accepted, *looks("final-snapshot", "deleting"), gone)
    cluster.delete("keep")
    stubber.assert_no_pending_responses()


def test_deleting_without_end():
    """A deletion that does not end is given up."""
    cluster, _ = play(*looks(*["deleting"] * 300))
    with pytest.raises(AwsError, match="still deleting after 45 minutes"):
        cluster.delete("")


BUSY = "InvalidClusterState"  # AWS answers so while an operation runs, whatever the state reads
ASKED = {"pause": "pause_cluster", "resume": "resume_cluster", "delete": "delete_cluster"}


@pytest.mark.parametrize(("verb", "now"), [("pause", "available"), ("resume", "paused"), ("delete", "paused")])
def test_an_operation_that_still_runs_is_waited_for(verb, now, capsys):
    """AWS deletes a paused cluster, too; its refusals pass."""
    refused = [*looks(now), (ASKED[verb], BUSY)]
    end = [("describe_clusters", "ClusterNotFound")] if verb == "delete" else []
    cluster, stubber = play(*refused, *refused, *looks(now), (ASKED[verb], {"Cluster": {}}), *end)
    cluster.delete("keep") if verb == "delete" else getattr(cluster, verb)()
    stubber.assert_no_pending_responses()
    assert f"cluster x: {now} (InvalidClusterState it is), 0 of" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "now", "minutes"), [("pause", "available", 10), ("delete", "paused", 45)])
def test_an_operation_that_never_ends_is_not(verb, now, minutes):
    cluster, _ = play(*[*looks(now), (ASKED[verb], BUSY)] * 300)
    with pytest.raises(AwsError, match=rf"still {now} \(InvalidClusterState it is\) after {minutes} minutes"):
        cluster.delete("keep") if verb == "delete" else getattr(cluster, verb)()


def test_a_pause_that_got_through_though_it_seemed_refused():
    cluster, stubber = play(*looks("available"), ("pause_cluster", BUSY), *looks("pausing"))
    cluster.pause()
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["ClusterSnapshotAlreadyExists", "AccessDenied", "ExpiredToken"])
def test_deleting_refused(code):
    """Other refusals are not tried again."""
    cluster, stubber = play(*looks("available"), ("delete_cluster", code))
    with pytest.raises(cluster.client.exceptions.ClientError, match=code):
        cluster.delete("keep")
    stubber.assert_no_pending_responses()


TAGGED = {"ParameterGroupName": "dwhcluster-redshift", "Tags": tags.as_list("dwhcluster")}
OUR_GROUP = {"ParameterGroups": [TAGGED]}
NO_TLS = {"ParameterName": "require_ssl", "ParameterValue": "false"}
REQUIRE_TLS = {
    "ParameterGroupName": "dwhcluster-redshift",
    "Parameters": [{"ParameterName": "require_ssl", "ParameterValue": "true"}],
}


def test_multi_node_request(aws_config):
    """NumberOfNodes is sent for multi-node and left out for single-node."""
    from infra.config import load_settings

    for dwh, expected in (("DWH_CLUSTER_TYPE=multi-node\nDWH_NUM_NODES=3", {"NumberOfNodes": 3}), ("", {})):
        aws_config.write_text(config_text(dwh + "\nDWH_PUBLICLY_ACCESSIBLE=false\n"))
        target = read_cluster_spec(load_settings(aws_config))
        cluster = Provisioned(SESSION, "dwhcluster")
        wanted = {
            "ClusterIdentifier": "dwhcluster",
            "ClusterType": "multi-node" if expected else "single-node",
            "NodeType": "ra3.large",
            "DBName": "dwh",
            "Port": 5439,
            "MasterUsername": "dwhuser",
            "MasterUserPassword": "secret",
            "IamRoles": ["role"],
            "VpcSecurityGroupIds": ["sg-1"],
            "ClusterParameterGroupName": "dwhcluster-redshift",
            "PubliclyAccessible": False,
            "Encrypted": True,
            "EnhancedVpcRouting": False,
            "Tags": tags.as_list("dwhcluster"),
        }
        with Stubber(cluster.client) as stubber:
            stubber.add_client_error("describe_clusters", "ClusterNotFound")
            stubber.add_response("describe_cluster_parameter_groups", OUR_GROUP)
            stubber.add_response("describe_cluster_parameters", {"Parameters": [NO_TLS]})
            stubber.add_response("modify_cluster_parameter_group", {}, REQUIRE_TLS)
            stubber.add_response("create_cluster", {"Cluster": {}}, wanted | expected)
            cluster.create(target, "role", "sg-1", "secret")


def test_tls_of_the_parameter_group():
    """Whether the cluster itself insists on TLS is read from its parameter group, over all pages."""
    group = {"ClusterParameterGroups": [{"ParameterGroupName": "x-redshift", "ParameterApplyStatus": "in-sync"}]}
    for value, required in (("true", True), ("false", False)):
        page = {"Parameters": [{"ParameterName": "require_ssl", "ParameterValue": value}]}
        cluster, _ = play(
            ("describe_clusters", state("available", **group)),
            ("describe_cluster_parameters", {"Parameters": [{"ParameterName": "datestyle"}], "Marker": "more"}),
            ("describe_cluster_parameters", page),
        )
        assert cluster.tls_required(cluster.find()) is required
    group["ClusterParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"
    cluster, _ = play(("describe_clusters", state("available", **group)))
    assert cluster.tls_required(cluster.find()) is None


def test_parameter_group_is_deleted_when_it_is_free(clock):
    """A cluster that is gone may hold on to its parameter group for a while; that is waited for, but not for ever."""
    busy = ("delete_cluster_parameter_group", "InvalidClusterParameterGroupState")
    for end in ({}, "ClusterParameterGroupNotFound"):
        cluster, stubber = play(busy, busy, ("delete_cluster_parameter_group", end))
        parameter_group.delete_group(cluster.client, "x")
        stubber.assert_no_pending_responses()
    cluster, _ = play(*[busy] * 100)
    with pytest.raises(AwsError, match="parameter group x-redshift: still in use after 10 minutes"):
        parameter_group.delete_group(cluster.client, "x")


def test_cost_so_far(wire, aws_config, capsys):
    """Age times price, where the price is known."""
    born = datetime.now(timezone.utc) - timedelta(hours=10)
    wire.fakes = {
        "redshift": lambda name, params: state("available", ClusterCreateTime=born),
        "ec2": lambda name, params: {"SecurityGroups": []},
    }
    assert cluster_status.main(["--config", str(aws_config)]) == 0
    printed = capsys.readouterr().out
    assert (
        "age          10.0 hours" in printed and "at most $10.86 so far, at $1.09 an hour as if never paused" in printed
    )
    aws_config.write_text(config_text("DWH_REGION=eu-north-1"))
    assert cluster_status.main(["--config", str(aws_config)]) == 0
    assert "cost         unknown; see AWS Cost Explorer" in capsys.readouterr().out
    assert cluster_status.main(["--config", str(aws_config), "--json"]) == 0
    assert '"dollars_at_most": null' in capsys.readouterr().out


def test_port_open_to_is_read_from_the_groups_that_the_cluster_has(wire, aws_config, capsys):
    """Also from one that somebody has added by hand."""
    rule = {"FromPort": 5439, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}
    by_hand = [{"VpcSecurityGroupId": "sg-9"}]
    asked = {"Filters": [{"Name": "group-id", "Values": ["sg-9"]}]}
    wire.fakes = {
        "redshift": lambda name, params: state("available", VpcSecurityGroups=by_hand),
        "ec2": lambda name, params: {"SecurityGroups": [{"IpPermissions": [rule]}] if params == asked else []},
    }
    assert cluster_status.main(["--config", str(aws_config)]) == 0
    assert "port open to 198.51.100.0/24" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("now", "option", "exit_code", "calls"),
    [
        ("available", "--pause", 1, ["PauseCluster"]),
        ("pausing", "--pause", 1, []),
        ("paused", "--pause", 0, []),
        ("creating", "--pause", 1, []),
        ("paused", "--resume", 1, ["ResumeCluster"]),
        ("resuming", "--resume", 1, []),
        ("available", "--resume", 0, []),
        ("pausing", "--resume", 1, []),
    ],
)
def test_pause_and_resume(wire, aws_config, now, option, exit_code, calls, capsys):
    """Each is asked for only where it leads somewhere, and once; without --wait the state is not there yet."""
    made = []

    def redshift(name, params):
        """Note the changes; the state stays."""
        if name == "DescribeClusters":
            return state(now, Tags=tags.as_list("dwhcluster"))
        made.append(name)
        return {"Cluster": {}}

    wire.fakes = {"redshift": redshift, "ec2": lambda name, params: {"SecurityGroups": []}}
    assert cluster_status.main(["--config", str(aws_config), option]) == exit_code
    assert made == calls


def test_resume_waits_through_what_still_says_paused(wire, aws_config):
    """After the request the cluster may be called paused for a moment; --wait sees it through."""
    states = iter(["paused", "paused", "paused", "resuming", "resuming", "available", "available"])

    def redshift(name, params):
        """The next state."""
        return state(next(states), Tags=tags.as_list("dwhcluster")) if name == "DescribeClusters" else {"Cluster": {}}

    wire.fakes = {"redshift": redshift, "ec2": lambda name, params: {"SecurityGroups": []}}
    assert cluster_status.main(["--config", str(aws_config), "--resume", "--wait"]) == 0


def test_serverless_without_end(wire):
    """A namespace that is never available is given up after its minutes."""
    wire.fakes["redshift-serverless"] = fake = ServerlessFake(looks=10**6)
    fake("CreateNamespace", {"namespaceName": "work", "iamRoles": [], "tags": []})
    cluster = Serverless(a_session(wire), "work")
    with pytest.raises(AwsError, match="namespace work: still creating after 20 minutes"):
        cluster._wait_for("namespace")
    with pytest.raises(
        AwsError, match=r"namespace work: still creating \(there is an operation running\) after 30 minutes"
    ):
        cluster.delete("")


def test_serverless_snapshot(wire):
    """The namespace is deleted with the snapshot that was asked for."""
    wire.fakes["redshift-serverless"] = fake = ServerlessFake(looks=1)
    fake("CreateNamespace", {"namespaceName": "work", "iamRoles": [], "tags": []})
    asked = []
    wire.fakes["redshift-serverless"] = lambda name, params: asked.append((name, params)) or fake(name, params)
    cluster = Serverless(a_session(wire), "work")
    cluster.delete("keep")
    (left,) = cluster.leftovers()
    assert left.startswith(
        "snapshot keep of work, billed for its storage: run `aws redshift-serverless delete-snapshot"
    )
    assert ("DeleteNamespace", {"namespaceName": "work", "finalSnapshotName": "keep"}) in asked
    assert fake.things == {}


def a_session(wire):
    """A session with the wire on it."""
    from types import SimpleNamespace

    return aws_session.make_session(SimpleNamespace(aws=AwsKeys("x", "x"), region="us-west-2"))


def with_role(status: str) -> dict:
    """An answer of DescribeClusters with a role that has this status."""
    return state("available", IamRoles=[{"IamRoleArn": "role", "ApplyStatus": status}])


def test_a_role_that_is_being_added_is_waited_for():
    """A COPY would fail before; asking AWS again would, too."""
    adding = ("describe_clusters", with_role("adding"))
    cluster, stubber = play(adding, adding, adding, ("describe_clusters", with_role("in-sync")))
    info = cluster.find()
    assert (info.roles, info.roles_adding) == ((), ("role",))
    cluster.attach_role(info, "role")
    stubber.assert_no_pending_responses()


def test_a_role_that_is_not_there_is_added_once():
    asked = ("modify_cluster_iam_roles", {"Cluster": {}})
    cluster, stubber = play(
        *looks("available", "available"),
        asked,
        *[("describe_clusters", with_role(each)) for each in ("adding", "in-sync")],
    )
    cluster.attach_role(cluster.find(), "role")
    stubber.assert_no_pending_responses()


def test_a_role_of_a_namespace_that_is_being_added(wire):
    wire.fakes["redshift-serverless"] = fake = ServerlessFake(looks=0)
    fake("CreateNamespace", {"namespaceName": "work", "iamRoles": [], "tags": tags_of("work")})
    fake._get("namespace", {"namespaceName": "work"})
    fake("CreateWorkgroup", WORKGROUP)
    namespace = next(iter(fake.things.values()))["body"]
    namespace["iamRoles"] = ["IamRole(applyStatus=adding, iamRoleArn=a)", "IamRole(applyStatus=in-sync, iamRoleArn=b)"]
    cluster, looks_left = Serverless(a_session(wire), "work"), [3]

    def slow(name, params):
        """Finish adding it at the third look; nothing is to be updated."""
        assert not name.startswith("Update")
        looks_left[0] -= name == "GetNamespace"
        if not looks_left[0]:
            namespace["iamRoles"] = [text.replace("adding", "in-sync") for text in namespace["iamRoles"]]
        return fake(name, params)

    wire.fakes["redshift-serverless"] = slow
    info = cluster.find()
    assert (info.roles, info.roles_adding) == (("b",), ("a",))
    cluster.attach_role(info, "a")
    assert cluster.find().roles == ("a", "b")


WORKGROUP = {"workgroupName": "work", "namespaceName": "work", "port": 5439, "configParameters": []}
WORKGROUP["tags"] = [{"key": key, "value": value} for key, value in tags.as_dict("work").items()]


def tags_of(name: str) -> list[dict[str, str]]:
    """The tags in the form of Redshift Serverless."""
    return [{"key": key, "value": value} for key, value in tags.as_dict(name).items()]


@pytest.mark.parametrize("word", ["namespace", "workgroup"])
def test_something_that_was_deleted_just_now_has_no_tags(wire, word):
    """It is listed still, and asked for its tags it is gone."""
    wire.fakes["redshift-serverless"] = fake = ServerlessFake(looks=0)
    fake("CreateNamespace", {"namespaceName": "work", "iamRoles": [], "tags": tags_of("work")})
    fake._get("namespace", {"namespaceName": "work"})
    fake("CreateWorkgroup", WORKGROUP)

    def gone(name, params):
        """Know its tags no more."""
        if name == "ListTagsForResource" and f":{word}/" in params["resourceArn"]:
            return error("ResourceNotFoundException")
        return fake(name, params)

    wire.fakes["redshift-serverless"] = gone
    cluster = Serverless(a_session(wire), "work")
    assert cluster.find().owner == "work"
    (left,) = {"namespace", "workgroup"} - {word}
    assert [line.partition(" ")[0] for line in cluster.leftovers()] == [left]
