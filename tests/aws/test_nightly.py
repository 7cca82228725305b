"""What infra/README.md shows beside the walk: the nightly workflow, the commands, the way into a private cluster."""

import json
import re
import shlex
from functools import cache

import pytest
import yaml

from infra import create_cluster, open_incoming_port
from infra.aws import connection as aws_connection
from infra.config import load_settings
from tests.aws.test_aws import allows, refuse
from tests.fixtures import processes
from tests.fixtures.aws import ROOT, config_text

pytestmark = pytest.mark.long

README = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
(WORKFLOW,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
STEPS = yaml.safe_load(WORKFLOW)["jobs"]["load"]["steps"]
COMMANDS = [step["run"] for step in STEPS if "run" in step]
SHOWN = "\n".join([*COMMANDS, *re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)])


def test_the_workflow_has_no_key_and_its_own_role():
    workflow = yaml.safe_load(WORKFLOW)
    assert workflow["permissions"]["id-token"] == "write" and "secrets." not in WORKFLOW
    (login,) = (step["with"] for step in STEPS if "configure-aws-credentials" in step.get("uses", ""))
    assert login == {"role-to-assume": "${{ vars.LOADER_ROLE }}", "aws-region": "us-west-2"}
    # YAML 1.1 takes the word `on` for true
    assert workflow[True]["schedule"] == [{"cron": "15 3 * * *"}]


def test_the_workflow_fails_loudly():
    """Nothing swallows an exit code; the port is closed in any case; a failure opens an issue."""
    assert "continue-on-error" not in WORKFLOW and "||" not in WORKFLOW
    load = COMMANDS.index("python etl.py")
    assert COMMANDS[load - 1] == "python infra/open_incoming_port.py"
    conditions = {step["run"]: step.get("if") for step in STEPS if "run" in step}
    assert conditions["python etl.py"] is None
    assert conditions[COMMANDS[load + 1]] == "always()" and "--close --cidr" in COMMANDS[load + 1]
    assert conditions[COMMANDS[-1]] == "failure()" and COMMANDS[-1].startswith("gh issue create")


def test_the_load_of_the_workflow_fails_with_its_exit_code(tmp_path):
    """etl.py itself: a source that is not there is an exit code that is not 0."""
    config = tmp_path / "dwh.cfg"
    config.write_text("[S3]\nLOG_DATA=none\nLOG_JSONPATH=none.json\nSONG_DATA=none\n[LOCAL]\nPATH=local\n")
    done = processes.run(ROOT / "etl.py", "--config", config, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("etl: ")


def commands() -> list[list[str]]:
    """Every command of this project that the README's blocks and its workflow run, as words."""
    lines = [line for line in SHOWN.splitlines() if re.match(r"([A-Z]+=\S+ )?python ", line)]
    return [shlex.split(re.sub(r"^[A-Z]+=\S+ ", "", line).split(" > ")[0]) for line in lines]


@cache
def help_of(script: str) -> str:
    """What a script prints with --help."""
    done = processes.run(script, "--help", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_commands():
    assert len(commands()) >= 6


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_commands_name_files_and_options_that_exist(words):
    if words[1:3] == ["-m", "pip"]:
        assert words[3:] == ["install", "-r", "requirements.txt"] and (ROOT / "requirements.txt").exists()
        return
    assert (ROOT / words[1]).exists()
    shown = help_of(words[1])
    for option in (word for word in words[2:] if word.startswith("--")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown), option


def test_options_and_keys_that_the_text_names_exist():
    """Of create_cluster.py and destroy_cluster.py, and every DWH_ key."""
    text = README[README.index("### Against a forgotten bill") : README.index("### When something hangs")]
    for script, option in re.findall(r"`(\w+)\.py (--[a-z-]+)", text):
        assert option in help_of(f"infra/{script}.py"), option
    example = (ROOT / "dwh.cfg.example").read_text(encoding="utf-8")
    keys = set(re.findall(r"\bDWH_[A-Z_]+\b", text)) - {"DWH_CFG"}
    assert len(keys) > 12
    assert [key for key in sorted(keys) if f"\n{key}=" not in example] == []


def test_the_loaders_policy_is_what_the_workflow_calls(moto, wire, aws_config, monkeypatch, capsys):
    """It allows every call of opening, signing in and closing, on this cluster, and no other call."""
    blocks = [json.loads(each) for each in re.findall(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
    (policy,) = (each for each in blocks if "redshift:GetClusterCredentials" in each["Statement"][0]["Action"])
    (trust,) = (each["Statement"][0] for each in blocks if "Principal" in each["Statement"][0])
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"].endswith(
        ":ref:refs/heads/main"
    )
    monkeypatch.setattr(aws_connection.psycopg2, "connect", refuse)
    here = ["--config", str(aws_config)]
    aws_config.write_text(config_text(password=""))
    assert create_cluster.main(here) == 0
    text = aws_config.read_text()
    aws_config.write_text(re.sub(r"DB_PASSWORD=.*", "DB_PASSWORD=", text))
    wire.actions.clear()
    assert open_incoming_port.main([*here, "--cidr", "203.0.113.7"]) == 0
    assert aws_connection.temporary_credentials(load_settings(aws_config))[0] == "IAM:dwhuser"
    assert open_incoming_port.main([*here, "--close", "--cidr", "203.0.113.7"]) == 0
    allowed = {each for statement in policy["Statement"] for each in statement["Action"]}
    assert set(wire.actions) == allowed
    user = "arn:aws:redshift:us-west-2:123456789012:dbuser:sparkify/dwhuser"
    assert allows(policy, "redshift:GetClusterCredentials", user)
    assert not allows(policy, "redshift:GetClusterCredentials", user.replace("dwhuser", "admin"))
    group = "arn:aws:ec2:us-west-2:123456789012:security-group/sg-1"
    assert not allows(policy, "ec2:AuthorizeSecurityGroupIngress", group)
    tagged = {"aws:ResourceTag/project": "sparkify-dwh"}
    assert allows(policy, "ec2:AuthorizeSecurityGroupIngress", group, **tagged)


def test_the_scripts_say_the_way_into_a_private_cluster(moto, wire, aws_config, monkeypatch, capsys):
    """Before it is made, and where a connection fails; the section is there."""
    said = 'infra/README.md, "Without a public port", shows the way in'
    assert "\n### Without a public port\n" in README
    monkeypatch.setattr(aws_connection.psycopg2, "connect", refuse)
    aws_config.write_text(config_text("DWH_PUBLICLY_ACCESSIBLE=false"))
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert f"private address: {said}" in capsys.readouterr().out
    assert open_incoming_port.main(["--config", str(aws_config), "--cidr", "10.0.1.25"]) == 0
    assert f"only from inside its VPC; {said}" in capsys.readouterr().out
