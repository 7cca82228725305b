"""The tags that mark and bill what these scripts make."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.errors import AwsError

PROJECT = "sparkify-dwh"  # the value of the tag `project` on all that these scripts make
SNAPSHOT = "snapshot"  # the key of the tag that names the snapshot that a cluster was restored from
STACK = "aws:cloudformation:stack-name"  # CloudFormation puts it on all that it makes
RESERVED = ("project", "cluster", "region", "Name", SNAPSHOT)  # keys that a user's own tags may not have
Pairs = tuple[tuple[str, str], ...]


def as_dict(name: str, own: Pairs = ()) -> dict[str, str]:
    """Return the tags that mark and bill what belongs to the cluster of this name, and the user's own ones."""
    return {"project": PROJECT, "cluster": name, "Name": f"{PROJECT} {name}", **dict(own)}


def as_list(name: str, own: Pairs = ()) -> list[Any]:
    """Return the same in the form that IAM, EC2 and Redshift take, each with a type of its own for it."""
    return [{"Key": key, "Value": value} for key, value in as_dict(name, own).items()]


def read(tag_list: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return a list of tags, in any of AWS's spellings, by their keys."""
    return {tag.get("Key") or tag["key"]: str(tag.get("Value") or tag.get("value") or "") for tag in tag_list}


def of_role(name: str, region: str, own: Pairs = ()) -> list[Any]:
    """Return the tags of a role: roles are the same in all regions, clusters of one name are not."""
    return [*as_list(name, own), {"Key": "region", "Value": region}]


def owner(tag_list: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of the cluster that a list of tags belongs to; "" for what these scripts have not made."""
    values = read(tag_list)
    return values.get("cluster", "") if values.get("project") == PROJECT else ""


def refuse_stranger(tag_list: Sequence[Mapping[str, Any]], name: str, thing: str) -> None:
    """Raise AwsError for a thing that has the name of one of this cluster's, but not its tags."""
    if owner(tag_list) != name:
        raise AwsError(f"The {thing} was not made by these scripts: give [DWH] DWH_CLUSTER_IDENTIFIER another name.")


def belongs_to(tag_list: Sequence[Mapping[str, Any]], name: str, region: str) -> bool:
    """Whether these are the tags of something that was made for the cluster of this name in this region."""
    return owner(tag_list) == name and read(tag_list).get("region", region) == region
