"""Guards against a forgotten bill: a daily pause that AWS does, and a budget with a mail; both go with the cluster."""

import boto3
import pytest

from infra import create_cluster, destroy_cluster
from tests.aws.test_aws import allows
from tests.aws.test_cluster_life import EVERY, cut_off_at_every_call, everything
from tests.fixtures.aws import config_text, pause_another_cluster, script
from tests.fixtures.serverless_fake import ServerlessFake, error

GUARDS = "DWH_PAUSE_AT=20:30\nDWH_BUDGET_MAIL=me@example.org\nDWH_BUDGET_DOLLARS=30"
CLUSTER_ARN = "arn:aws:redshift:us-west-2:123456789012:cluster:dwhcluster"


def budgets_client(moto):
    """A plain client to look with."""
    return boto3.Session("AKIAPLAIN", "plain", region_name="us-west-2").client("budgets", endpoint_url=moto.url)


def budgets(moto) -> dict[str, dict]:
    """The account's budgets by name."""
    client = budgets_client(moto)
    return {each["BudgetName"]: each for each in client.describe_budgets(AccountId="123456789012").get("Budgets", [])}


def test_a_life_with_guards(moto, aws_config, tmp_path):
    """As a user runs it: what is said, what AWS is told, and that nothing of it stays."""
    aws_config.write_text(text := config_text(GUARDS))
    before = everything(moto)
    end = script("create_cluster", "--config", aws_config, cwd=tmp_path)
    assert end.returncode == 0, end.stderr
    assert "paused every day at 20:30 UTC, by AWS itself" in end.stdout
    assert "budget: mail to me@example.org at 80 % of $30 a month on project=sparkify-dwh" in end.stdout
    assert "`aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=project," in end.stdout
    (action,) = moto.redshift.describe_scheduled_actions()["ScheduledActions"]
    assert action["TargetAction"] == {"PauseCluster": {"ClusterIdentifier": "dwhcluster"}}
    assert (action["Schedule"], action["IamRole"]) == (
        "cron(30 20 * * ? *)",
        "arn:aws:iam::123456789012:role/dwhRole-pause",
    )
    (budget,) = budgets(moto).values()
    assert budget["CostFilters"] == {"TagKeyValue": ["user:project$sparkify-dwh"]}
    assert (float(budget["BudgetLimit"]["Amount"]), budget["TimeUnit"]) == (30.0, "MONTHLY")
    end = script("destroy_cluster", "--yes", "--config", aws_config, cwd=tmp_path)
    assert end.returncode == 0, end.stderr
    assert "scheduled action dwhcluster-pause" in end.stdout and "role dwhRole-pause" in end.stdout
    assert "budget sparkify-dwh dwhcluster us-west-2" in end.stdout
    assert (everything(moto), aws_config.read_text(), budgets(moto)) == (before, text, {})
    assert moto.redshift.describe_scheduled_actions()["ScheduledActions"] == []


def test_the_scheduler_may_pause_this_cluster_and_nothing_else(moto, aws_config):
    aws_config.write_text(config_text(GUARDS))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    role = moto.iam.get_role(RoleName="dwhRole-pause")["Role"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.redshift.amazonaws.com"}
    (name,) = moto.iam.list_role_policies(RoleName="dwhRole-pause")["PolicyNames"]
    policy = moto.iam.get_role_policy(RoleName="dwhRole-pause", PolicyName=name)["PolicyDocument"]
    assert allows(policy, "redshift:PauseCluster", CLUSTER_ARN)
    assert not allows(policy, "redshift:PauseCluster", f"{CLUSTER_ARN}2")
    for action in ("redshift:DeleteCluster", "redshift:ResumeCluster", "s3:GetObject"):
        assert not allows(policy, action, CLUSTER_ARN)
    assert moto.iam.list_attached_role_policies(RoleName="dwhRole-pause")["AttachedPolicies"] == []


def test_another_time_and_another_budget(moto, wire, aws_config, capsys):
    """A rerun changes what dwh.cfg changed, and nothing else; without the keys what is there stays."""
    aws_config.write_text(config_text(GUARDS))
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    wire.actions.clear()
    assert create_cluster.main(here) == 0
    assert not {"redshift:ModifyScheduledAction", "budgets:CreateBudget", "budgets:DeleteBudget"} & set(wire.actions)
    aws_config.write_text(config_text("DWH_PAUSE_AT=7:05\nDWH_BUDGET_MAIL=me@example.org\nDWH_BUDGET_DOLLARS=50"))
    assert create_cluster.main(here) == 0
    for dwh in ("", "DWH_BUDGET_MAIL=other@example.org\nDWH_BUDGET_DOLLARS=50"):
        (action,) = moto.redshift.describe_scheduled_actions()["ScheduledActions"]
        assert action["Schedule"] == "cron(5 7 * * ? *)"
        assert [float(each["BudgetLimit"]["Amount"]) for each in budgets(moto).values()] == [50.0]
        aws_config.write_text(config_text(dwh))
        assert create_cluster.main(here) == 0
    client = boto3.client(
        "budgets", "us-west-2", aws_access_key_id="x", aws_secret_access_key="x", endpoint_url=moto.url
    )
    which = {"AccountId": "123456789012", "BudgetName": "sparkify-dwh dwhcluster us-west-2"}
    (notification,) = client.describe_notifications_for_budget(**which)["Notifications"]
    subscribers = client.describe_subscribers_for_notification(**which, Notification=notification)["Subscribers"]
    assert [each["Address"] for each in subscribers] == ["other@example.org"]


def test_the_option_says_the_time(moto, aws_config, capsys):
    """--pause-at stands over dwh.cfg; what is no time is refused."""
    aws_config.write_text(config_text(GUARDS))
    assert create_cluster.main(["--config", str(aws_config), "--pause-at", "6:00"]) == 0
    (action,) = moto.redshift.describe_scheduled_actions()["ScheduledActions"]
    assert action["Schedule"] == "cron(0 6 * * ? *)"
    for wrong in ("24:00", "8 pm", "8"):
        with pytest.raises(SystemExit, match="2"):
            create_cluster.main(["--config", str(aws_config), "--pause-at", wrong])


@EVERY
def test_cut_off_at_every_call_with_guards(moto, wire, aws_config, capsys, every):
    aws_config.write_text(text := config_text(GUARDS))
    before = everything(moto)
    life = ((create_cluster.main, [], 0), (destroy_cluster.main, ["--yes"], 0))
    assert cut_off_at_every_call(wire, aws_config, life, every) > 20
    assert (everything(moto), aws_config.read_text(), budgets(moto)) == (before, text, {})
    assert moto.redshift.describe_scheduled_actions()["ScheduledActions"] == []


def test_serverless_pauses_by_itself(moto, wire, aws_config, capsys):
    """No schedule is made for it; the budget is."""
    wire.fakes["redshift-serverless"] = ServerlessFake(looks=0)
    aws_config.write_text(config_text(f"DWH_CLUSTER_TYPE=serverless\n{GUARDS}"))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert "Redshift Serverless pauses by itself" in capsys.readouterr().out
    assert moto.redshift.describe_scheduled_actions()["ScheduledActions"] == []
    assert len(budgets(moto)) == 1
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert budgets(moto) == {}


def test_anothers_scheduled_action_and_role_are_left_alone(moto, aws_config, capsys):
    aws_config.write_text(config_text(GUARDS))
    moto.iam.create_role(RoleName="dwhRole-pause", AssumeRolePolicyDocument="{}")
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "The role dwhRole-pause was not made by these scripts" in capsys.readouterr().err
    moto.iam.delete_role(RoleName="dwhRole-pause")
    pause_another_cluster(moto)
    assert create_cluster.main(["--config", str(aws_config)]) == 1
    assert "scheduled action dwhcluster-pause does not pause dwhcluster" in capsys.readouterr().err
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert len(moto.redshift.describe_scheduled_actions()["ScheduledActions"]) == 1


def test_whoever_may_not_look_at_budgets(moto, wire, aws_config, capsys):
    """Destroying goes on, and it is said that no budget was looked for."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    wire.fakes["budgets"] = lambda *_: error("AccessDeniedException")
    assert destroy_cluster.main(["--config", str(aws_config), "--yes"]) == 0
    assert "No budget was looked for: AWS does not allow you DescribeBudget" in capsys.readouterr().out
    assert everything(moto)["clusters"] == []


def test_what_is_not_known_yet_is_waited_for(wire, aws_config, monkeypatch, moto):
    """Role and cluster are seconds old when they are named; moto knows them at once, AWS may not."""
    left = [3]

    def redshift(name: str, params: dict) -> dict | None:
        """Refuse a new role twice, and then a new cluster."""
        if name == "CreateScheduledAction" and left[0]:
            left[0] -= 1
            refusals = [error("ClusterNotFound"), *[error("InvalidParameterValue", "The IAM role is not valid")] * 2]
            return refusals[left[0]]
        return None

    wire.fakes["redshift"] = redshift
    aws_config.write_text(config_text(GUARDS))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert left == [0] and len(moto.redshift.describe_scheduled_actions()["ScheduledActions"]) == 1


@pytest.mark.parametrize(
    ("dwh", "said"),
    [
        ("DWH_PAUSE_AT=25:00", "DWH_PAUSE_AT is '25:00': write a time in UTC, such as 20:00"),
        ("DWH_BUDGET_MAIL=me", "DWH_BUDGET_MAIL is 'me': write one address"),
        ("DWH_BUDGET_DOLLARS=-5", "DWH_BUDGET_DOLLARS is '-5': write whole US dollars a month"),
    ],
)
def test_wrong_values_name_their_key(aws_config, capsys, dwh, said):
    aws_config.write_text(config_text(dwh))
    assert create_cluster.main(["--config", str(aws_config), "--dry-run"]) == 2
    assert said in capsys.readouterr().err
