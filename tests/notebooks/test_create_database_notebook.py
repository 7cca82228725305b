"""The infra walk-through: it does at AWS (moto) what its committed outputs show, and where it cannot it says why."""

import ast
import copy
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat import NotebookNode

from infra.aws import prices
from infra.aws.parameter_group import find_group
from infra.config import load_settings
from tests.fixtures.aws import MARKED, ROOT
from tests.fixtures.notebooks import NOTEBOOKS, execute, output_text, outputs_text

pytestmark = pytest.mark.notebook

NOTEBOOK = NOTEBOOKS / "create_database.ipynb"
COMMITTED = nbformat.read(NOTEBOOK, as_version=4)
CODE = [cell for cell in COMMITTED.cells if cell.cell_type == "code"]
SHOWN_PATH = "/home/you/sparkify/dwh.cfg"
# What AWS, the clock or the operating system makes up, and what stands in its place in both outputs.
MADE_UP = (
    (r"\bsg-[0-9a-f]+", "sg-#"),
    (r"\bsparkify\.[0-9a-z]+\.us-west-2\.redshift\b", "sparkify.#.us-west-2.redshift"),
    (r"(?m)^(  age +)\d+\.\d hours$", r"\1# hours"),
    (r"\(could not translate host name .*\)", "(#)"),
)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def masked(output: NotebookNode, path: str) -> str:
    """What can be read of an output, without what is made up."""
    text = output_text(output).replace(path, SHOWN_PATH)
    for pattern, mask in MADE_UP:
        text = re.sub(pattern, mask, text)
    return text


def differences(executed: NotebookNode, path: str, committed: NotebookNode = COMMITTED) -> list[str]:
    """The cells, by their IDs, whose outputs in a run with the dwh.cfg at this path are not the committed ones."""
    return [
        new.id
        for new, old in zip(code(executed), code(committed), strict=True)
        if [masked(output, path) for output in new.outputs] != [masked(output, SHOWN_PATH) for output in old.outputs]
    ]


def ours(moto: SimpleNamespace) -> dict[str, list]:
    """What there is in the account with the names that the defaults give."""
    group = find_group(moto.redshift, "sparkify")
    return {
        "clusters": [each["ClusterIdentifier"] for each in moto.redshift.describe_clusters()["Clusters"]],
        "parameter groups": [group["ParameterGroupName"]] if group else [],
        "roles": [role["RoleName"] for role in moto.iam.list_roles()["Roles"]],
        "opened to": [
            [range["CidrIp"] for rule in group["IpPermissions"] for range in rule["IpRanges"]]
            for group in moto.ec2.describe_security_groups()["SecurityGroups"]
            if group["GroupName"] == "sparkify-redshift"
        ],
    }


NOTHING = {"clusters": [], "parameter groups": [], "roles": [], "opened to": []}
ALL = {
    "clusters": ["sparkify"],
    "parameter groups": ["sparkify-redshift"],
    "roles": ["sparkify-redshift-us-west-2"],
    "opened to": [["203.0.113.7/32"]],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The example's dwh.cfg with marked keys; it has no password."""
    text = (ROOT / "dwh.cfg.example").read_text(encoding="utf-8")
    for key, name in (("KEY", "KEY"), ("SECRET", "SECRET"), ("SESSION_TOKEN", "TOKEN")):
        text, count = re.subn(rf"(?m)^{key}=$", f"{key}={MARKED[name]}", text)
        assert count == 1
    path = tmp_path / "dwh.cfg"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


MAKE = {"CREATE = False": "CREATE = True"}


def environment(file: Path) -> dict[str, str]:
    """What leads the notebook to this dwh.cfg, and keeps it from asking the outside for an address."""
    return {"DWH_CFG": str(file), "DWH_CIDR": "203.0.113.7"}


def test_it_makes_what_its_outputs_show_and_a_second_run_destroys_it(moto, file):
    """From nothing to a cluster, with the committed outputs; again, and with DESTROY nothing of it is left."""
    before = file.read_text(encoding="utf-8")
    first = execute(NOTEBOOK, environment(file), MAKE)
    assert differences(first, str(file)) == []
    assert ours(moto) == ALL
    settings = load_settings(file)
    assert settings.host.startswith("sparkify.") and settings.role_arn.endswith(":role/sparkify-redshift-us-west-2")
    assert len(settings.password) == 32

    changed = file.read_text(encoding="utf-8").replace(settings.password, MARKED["PASSWORD"])
    file.write_text(changed, encoding="utf-8")
    second = execute(NOTEBOOK, environment(file), MAKE | {"DESTROY = False": "DESTROY = True"})
    text = outputs_text(second)
    assert "The cluster is there already: 1 x ra3.large, available." in text
    assert "Port 5439 of sparkify was already open to 203.0.113.7/32." in text
    assert "Nothing that costs money is left of sparkify in account 123456789012, us-west-2." in text
    assert set(differences(second, str(file))) == {"config", "plan", "cluster", "state", "port", "destroy"}
    assert ours(moto) == NOTHING
    assert file.read_text(encoding="utf-8").replace(MARKED["PASSWORD"], "") == before
    printed = outputs_text(first) + text
    assert [secret for secret in (*MARKED.values(), settings.password) if secret in printed] == []


@pytest.mark.parametrize("cell", [cell.id for cell in CODE if cell.outputs])
def test_a_changed_output_is_noticed(cell):
    """One letter or digit of what a cell has printed."""
    changed = copy.deepcopy(COMMITTED)
    (output,) = [each for each in code(changed) if each.id == cell][0].outputs
    middle = len(output.text) // 2
    output.text = output.text[:middle] + ("x" if output.text[middle] != "x" else "y") + output.text[middle + 1 :]
    assert differences(COMMITTED, SHOWN_PATH, changed) == [cell]


def stopped(notebook: NotebookNode, cell: str, sentence: str) -> None:
    """Assert that the run ended in this cell with one sentence, and that no cell after it was run."""
    ids = [each.id for each in code(notebook)]
    done, (last, *rest) = code(notebook)[: ids.index(cell)], code(notebook)[ids.index(cell) :]
    error = last.outputs[-1]
    assert (error.output_type, error.traceback) == ("error", [error.evalue])
    assert re.fullmatch(sentence, error.evalue), error.evalue
    assert not any(output.output_type == "error" for each in done for output in each.outputs)
    assert [each.execution_count for each in rest] == [None] * len(rest)
    assert "Traceback" not in outputs_text(notebook)


def test_no_dwh_cfg(moto, tmp_path, monkeypatch):
    """Without DWH_CFG it is the one beside the scripts, and where there is none the first cell says what to do."""
    monkeypatch.delenv("DWH_CFG", raising=False)
    for folder in ("infra", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    executed = execute(tmp_path / "notebooks" / NOTEBOOK.name, {}, allow_errors=True)
    stopped(executed, "start", r"There is no dwh\.cfg yet: copy dwh\.cfg\.example to dwh\.cfg and fill it in\.")


def test_wrong_dwh_cfg(moto, file):
    """A value that AWS would not take."""
    text = file.read_text(encoding="utf-8").replace("DWH_NODE_TYPE=ra3.large", "DWH_NODE_TYPE=dc2.large")
    file.write_text(text, encoding="utf-8")
    executed = execute(NOTEBOOK, environment(file), allow_errors=True)
    stopped(executed, "start", r".*dwh\.cfg: \[DWH\] DWH_NODE_TYPE is dc2\.large, which AWS no longer offers: .*")


def test_no_credentials(moto, tmp_path, monkeypatch):
    """Neither in dwh.cfg nor where boto3 looks."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    file = shutil.copy(ROOT / "dwh.cfg.example", tmp_path / "dwh.cfg")
    nowhere = {name: str(tmp_path / "none") for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE")}
    executed = execute(NOTEBOOK, environment(file) | nowhere, allow_errors=True)
    stopped(executed, "start", r"AWS cannot be asked: Unable to locate credentials; run `aws configure`, or .*")


def test_a_step_that_aws_refuses_ends_the_run(moto, file):
    """Also in the middle it is one sentence, and nothing that costs money was made."""
    text = file.read_text(encoding="utf-8").replace("DWH_SUBNET_GROUP=", "DWH_SUBNET_GROUP=none-such")
    file.write_text(text, encoding="utf-8")
    executed = execute(NOTEBOOK, environment(file), MAKE, allow_errors=True)
    stopped(executed, "plan", r"\[DWH\] DWH_SUBNET_GROUP: there is no none-such in us-west-2\.")
    assert ours(moto)["clusters"] == []


def test_nothing_is_made_until_a_cell_near_the_top_says_so(moto, file):
    """Run as it is, it looks and ends before step 5 with one sentence; AWS and dwh.cfg are as before."""
    before = file.read_text(encoding="utf-8")
    executed = execute(NOTEBOOK, environment(file), allow_errors=True)
    stopped(executed, "role", r"Nothing is made, for CREATE is False\. To create the cluster, set it to True and .*")
    assert ours(moto) == NOTHING and file.read_text(encoding="utf-8") == before
    assert [cell.id for cell in CODE].index("create-or-not") == 1


def test_the_teardown_is_off():
    """The variable is False, stands alone in its cell, and nothing before it destroys."""
    sources = [cell.source for cell in CODE]
    assert sources.count("DESTROY = False") == 1
    assert not any("DESTROY" in source or "destroy" in source for source in sources[: sources.index("DESTROY = False")])


def test_it_is_committed_as_it_ran():
    """In order, with the outputs of every cell that has some, none of them an error, and nothing of the machine."""
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    for cell in CODE:
        silent = all(isinstance(statement, ast.Assign) for statement in ast.parse(cell.source).body)
        assert silent or cell.outputs, cell.id
        assert all(output.output_type == "stream" and output.name == "stdout" for output in cell.outputs), cell.id
    assert {key: dict(value) for key, value in COMMITTED.metadata.items()} == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [cell.id for cell in COMMITTED.cells if cell.metadata] == []
    assert NOTEBOOK.stat().st_size < 1_000_000


def test_it_holds_no_secret_and_no_path_of_a_machine():
    """Nothing that looks like a key, a password or somebody's folder stands in the file."""
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert [secret for secret in MARKED.values() if secret in text] == []
    looks_secret = (
        r"(?:AKIA|ASIA)\w+|(?i:password|secret|token)\w*['\"]?\s*[=:]\s*['\"]?\w|\b(?=\w*\d)[A-Za-z0-9]{32,}\b"
    )
    assert re.findall(looks_secret, text) == []
    assert re.findall(r"(?<![\w/.])(?:/(?!home/you/)\w+/\w+|[A-Za-z]:\\\\\w+)", text) == []
    assert set(re.findall(r"\b\d{12}\b", text)) == {"123456789012"}


def test_prose_stands_before_each_cell_and_says_what_is_true():
    """Every code cell has its explanation; the price in it is that of infra/prices.py; the outputs' origin is told."""
    for before, cell in zip(COMMITTED.cells, COMMITTED.cells[1:], strict=False):
        assert cell.cell_type == "markdown" or (before.cell_type == "markdown" and len(before.source) > 100), cell.id
    prose = "\n".join(cell.source for cell in COMMITTED.cells if cell.cell_type == "markdown")
    assert f"${prices.hourly('us-west-2', node_type='ra3.large', nodes=1)} an hour in us-west-2" in prose
    assert "simulated AWS (moto)" in prose
    assert re.findall(r"(?<!\\)\$", prose) == [], "two dollar signs without backslashes are the ends of a formula"
    for name in re.findall(r"python ([\w/]+\.py)", prose):
        assert (ROOT / name).exists(), name
