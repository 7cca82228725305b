"""The caller's policy is printed for what dwh.cfg describes, fits, and leads to no more rights than it gives."""

import json
import re

import pytest

from infra import caller_policy
from infra.aws import policies
from infra.aws.context import make_context
from tests.aws.test_aws import allows
from tests.fixtures.aws import config_text, script

ROLE = "arn:aws:iam::123456789012:role/dwhRole"
BOUNDARY = "arn:aws:iam::123456789012:policy/dwhcluster-boundary"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
SERVERLESS = "DWH_CLUSTER_TYPE=serverless"


@pytest.fixture(params=["", SERVERLESS])
def policy(request, aws_config) -> dict:
    """The policy of each kind."""
    aws_config.write_text(config_text(request.param))
    return policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:AttachRolePolicy", ROLE, {"iam:PolicyARN": ADMIN, "iam:PermissionsBoundary": BOUNDARY}),
        ("iam:AttachRolePolicy", ROLE, {"iam:PolicyARN": READ}),
        ("iam:PutRolePolicy", ROLE, {}),
        ("iam:PutRolePolicy", ROLE, {"iam:PermissionsBoundary": ADMIN}),
        ("iam:CreateRole", ROLE, {}),
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": ADMIN}),
        ("iam:CreateRole", ROLE.replace("dwhRole", "mine"), {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:UpdateAssumeRolePolicy", ROLE, {}),
        ("sts:AssumeRole", ROLE, {}),
        ("iam:PutRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:DeleteRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:CreatePolicyVersion", BOUNDARY, {}),
        ("iam:SetDefaultPolicyVersion", BOUNDARY, {}),
        ("iam:AttachUserPolicy", "arn:aws:iam::123456789012:user/me", {"iam:PolicyARN": ADMIN}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "redshift.evil.amazonaws.com"}),
        ("iam:PassRole", ROLE.replace("dwhRole", "Admin"), {"iam:PassedToService": "redshift.amazonaws.com"}),
    ],
)
def test_it_leads_to_no_more_rights(policy, action, resource, context):
    assert not allows(policy, action, resource, **context)


@pytest.mark.parametrize(
    ("action", "context"),
    [
        ("iam:CreateRole", {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:PutRolePolicy", {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:AttachRolePolicy", {"iam:PermissionsBoundary": BOUNDARY, "iam:PolicyARN": READ}),
        ("iam:DetachRolePolicy", {"iam:PolicyARN": READ}),
        ("iam:PassRole", {"iam:PassedToService": "redshift.amazonaws.com"}),
        ("iam:PassRole", {"iam:PassedToService": "redshift-serverless.amazonaws.com"}),
        ("iam:DeleteRole", {}),
    ],
)
def test_what_the_scripts_do_with_roles_is_allowed(policy, action, context):
    assert allows(policy, action, ROLE, **context)


def test_tags_of_what_is_there_cannot_be_changed(policy):
    """A stranger's group would become ours by a tag."""
    group, asked = "arn:aws:ec2:us-west-2:123456789012:security-group/sg-1", {"aws:RequestTag/project": "sparkify-dwh"}
    assert allows(policy, "ec2:CreateTags", group, **asked, **{"ec2:CreateAction": "CreateSecurityGroup"})
    assert not allows(policy, "ec2:CreateTags", group, **asked)
    assert not allows(policy, "ec2:AuthorizeSecurityGroupIngress", group)
    assert allows(policy, "ec2:AuthorizeSecurityGroupIngress", group, **{"aws:ResourceTag/project": "sparkify-dwh"})


def test_workgroups_of_others_are_out_of_reach(aws_config):
    """Their IDs say nothing, their tags do."""
    aws_config.write_text(config_text(SERVERLESS))
    policy = policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)
    ours = {"aws:ResourceTag/project": "sparkify-dwh"}
    for kind, verbs in (("workgroup", ("Delete", "Update")), ("namespace", ("Delete", "Update"))):
        thing = f"arn:aws:redshift-serverless:us-west-2:123456789012:{kind}/1234"
        for verb in verbs:
            action = f"redshift-serverless:{verb}{kind.capitalize()}"
            assert allows(policy, action, thing, **ours) and not allows(policy, action, thing)
        made = {"aws:RequestTag/project": "sparkify-dwh"}
        action = f"redshift-serverless:Create{kind.capitalize()}"
        assert allows(policy, action, thing, **made) and not allows(policy, action, thing)
    workgroup = "arn:aws:redshift-serverless:us-west-2:123456789012:workgroup/1234"
    assert not allows(policy, "redshift-serverless:GetCredentials", workgroup)


def test_the_boundary_is_the_role_s_and_no_more(aws_config):
    """Reading the data, and pausing this one cluster: nothing of IAM, nothing that is written."""
    spec = make_context(aws_config).spec
    boundary = policies.boundary_policy("123456789012", "aws", spec)
    actions = {statement["Action"] for statement in boundary["Statement"]}
    assert actions == {"s3:GetObject", "s3:ListBucket", "redshift:PauseCluster"}
    assert "*" not in [statement["Resource"] for statement in boundary["Statement"]]
    for statement in policies.read_policy(spec.sources, "aws")["Statement"]:
        assert statement in boundary["Statement"]


@pytest.mark.parametrize("kind", ["DWH_CLUSTER_TYPE=single-node", SERVERLESS])
def test_it_fits_into_a_managed_policy(aws_config, kind):
    """IAM counts 6,144 characters without white space; here with the longest names and the longest region."""
    name = "n" * 63
    text = config_text(f"{kind}\nDWH_REGION=ap-southeast-2").replace("dwhCluster", name).replace("dwhRole", "r" * 64)
    aws_config.write_text(text)
    policy = policies.caller_policy("123456789012", "aws-us-gov", make_context(aws_config).spec)
    assert 2048 < len(re.sub(r"\s", "", json.dumps(policy))) <= 6144


def test_it_is_printed_for_this_account_region_and_partition(moto, wire, aws_config, capsys):
    arn = "arn:aws-us-gov:sts::210987654321:assumed-role/x/y"
    wire.fakes["sts"] = lambda *_: {"Account": "210987654321", "Arn": arn, "UserId": "x"}
    aws_config.write_text(config_text("DWH_REGION=us-gov-west-1"))
    assert caller_policy.main(["--config", str(aws_config)]) == 0
    printed = capsys.readouterr()
    policy = json.loads(printed.out)
    boundary = "arn:aws-us-gov:iam::210987654321:policy/dwhcluster-boundary"
    assert policy == policies.caller_policy("210987654321", "aws-us-gov", make_context(aws_config).spec)
    arns = [arn for arn in re.findall(r'"(arn:[^"]*)"', printed.out) if ":aws:policy" not in arn]
    assert {tuple(arn.split(":")[1:5:3]) for arn in arns} == {("aws-us-gov", "210987654321")}
    assert f"DWH_PERMISSIONS_BOUNDARY={boundary}" in printed.err
    aws_config.write_text(config_text(f"DWH_PERMISSIONS_BOUNDARY={BOUNDARY}"))
    assert caller_policy.main(["--config", str(aws_config)]) == 0
    printed = capsys.readouterr()
    assert f'"iam:PermissionsBoundary": "{BOUNDARY}"' in printed.out and printed.err == ""


def test_the_commands_of_the_readme(moto, aws_config):
    """Both, as a user runs them, print JSON and nothing else on standard output."""
    for options in ([], ["--boundary"]):
        end = script("caller_policy", *options, "--config", aws_config)
        assert end.returncode == 0 and json.loads(end.stdout)["Version"] == "2012-10-17"


def test_a_load_of_new_files_may_list_the_data_and_write_its_manifests(aws_config):
    text = config_text("")
    aws_config.write_text(text)
    without = policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)
    aws_config.write_text(text.replace("[S3]\n", "[S3]\nWORK=s3://own-bucket/work/\n"))
    policy = policies.caller_policy("123456789012", "aws", make_context(aws_config).spec)
    manifest = "arn:aws:s3:::own-bucket/work/0f/log_data.manifest"
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert allows(policy, action, manifest)
        assert not allows(without, action, manifest)
        assert not allows(policy, action, "arn:aws:s3:::own-bucket/other/x")
        assert not allows(policy, action, "arn:aws:s3:::udacity-dend/log_data/x")
    data = "arn:aws:s3:::udacity-dend"
    assert allows(policy, "s3:ListBucket", data, **{"s3:prefix": "log_data/"})
    assert not allows(policy, "s3:ListBucket", data, **{"s3:prefix": "else/"})
