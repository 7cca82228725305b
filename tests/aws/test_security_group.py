"""Only the cluster's own port is opened, and what was not closed is said."""

from infra import create_cluster, open_incoming_port
from infra.aws import security_group

RULE = {"IpProtocol": "tcp", "FromPort": 5439, "ToPort": 5439}


def the_group(moto) -> dict:
    """The security group that was made for the cluster."""
    (group,) = security_group.find_groups(moto.ec2, "dwhcluster")
    return group


def test_a_group_that_the_cluster_does_not_have_is_not_opened(moto, wire, aws_config, capsys):
    """Somebody has given the cluster another group: opening ours would let nobody in."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    cluster = moto.redshift.describe_clusters()["Clusters"][0]
    cluster["VpcSecurityGroups"] = [{"VpcSecurityGroupId": "sg-9", "Status": "active"}]
    cluster["IamRoles"] = []
    wire.fakes["redshift"] = lambda name, params: {"Clusters": [cluster]} if name == "DescribeClusters" else None
    for options in ([], ["--dry-run"]):
        assert open_incoming_port.main(["--config", str(aws_config), "--cidr", "203.0.113.7", *options]) == 1
        ours = the_group(moto)
        assert f"does not have the security group {ours['GroupId']} that was made for it (it has: sg-9)" in (
            capsys.readouterr().err
        )
        assert ours["IpPermissions"] == []


def test_what_aws_did_not_close_is_said(moto, wire, aws_config, capsys):
    """AWS lists a rule that is no longer as it was, and calls it no error. (moto raises one.)"""
    here = ["--config", str(aws_config)]
    assert create_cluster.main(here) == 0
    for network in ("203.0.113.7", "198.51.100.4"):
        assert open_incoming_port.main([*here, "--cidr", network]) == 0
    left = [RULE | {"IpRanges": [{"CidrIp": "198.51.100.4/32"}]}]
    revoked = {"Return": True, "UnknownIpPermissions": left}
    wire.fakes["ec2"] = lambda name, params: dict(revoked) if name == "RevokeSecurityGroupIngress" else None
    capsys.readouterr()
    assert open_incoming_port.main([*here, "--close"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "Closed the port to: 203.0.113.7/32.\n"
    assert "AWS did not close it to 198.51.100.4/32" in printed.err


def test_rules_made_by_hand_are_closed_as_they_are_written(moto, aws_config, capsys):
    """A range of ports, all ports, another group: AWS takes a rule away only by its own words."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    group = the_group(moto)["GroupId"]
    other = {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "UserIdGroupPairs": [{"GroupId": group}]}
    wide = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}
    ports = {"IpProtocol": "tcp", "FromPort": 5000, "ToPort": 6000, "IpRanges": [{"CidrIp": "198.51.100.4/32"}]}
    moto.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[other, wide, ports])
    assert group in [who for who, _ in security_group.open_to(the_group(moto))]
    assert open_incoming_port.main(["--config", str(aws_config), "--close", "--cidr", "203.0.113.0/24"]) == 0
    assert [rule["IpProtocol"] for rule in the_group(moto)["IpPermissions"]] == ["tcp", "tcp"]
    assert open_incoming_port.main(["--config", str(aws_config), "--close"]) == 0
    assert the_group(moto)["IpPermissions"] == []
    assert f"Closed the port to: 198.51.100.4/32, {group}." in capsys.readouterr().out


def test_a_group_that_a_search_does_not_show_yet_is_no_stranger_s(moto, wire, aws_config):
    """The run before has made it a moment ago: the searches lag behind, by tags and by name."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    group, left = the_group(moto)["GroupId"], [3]

    def lag(name, params):
        """See no group at first."""
        left[0] -= name == "DescribeSecurityGroups"
        return {"SecurityGroups": []} if name == "DescribeSecurityGroups" and left[0] > 0 else None

    wire.fakes["ec2"] = lag
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    assert left[0] <= 0
    assert the_group(moto)["GroupId"] == group
