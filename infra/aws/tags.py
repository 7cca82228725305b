"""The tags that mark and bill what these scripts make."""

from collections.abc import Mapping, Sequence
from typing import Any

PROJECT = "sparkify-dwh"  # the value of the tag `project` on all that these scripts make


def as_dict(name: str) -> dict[str, str]:
    """Return the tags that mark and bill what belongs to the cluster of this name."""
    return {"project": PROJECT, "cluster": name, "Name": f"{PROJECT} {name}"}


def as_list(name: str) -> list[Any]:
    """Return the same in the form that IAM, EC2 and Redshift take, each with a type of its own for it."""
    return [{"Key": key, "Value": value} for key, value in as_dict(name).items()]


def of_role(name: str, region: str) -> list[Any]:
    """Return the tags of a role: roles are the same in all regions, clusters of one name are not."""
    return [*as_list(name), {"Key": "region", "Value": region}]


def owner(tag_list: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of the cluster that a list of tags belongs to; "" for what these scripts have not made."""
    values = {tag.get("Key") or tag.get("key"): tag.get("Value") or tag.get("value") for tag in tag_list}
    return values.get("cluster") or "" if values.get("project") == PROJECT else ""


def belongs_to(tag_list: Sequence[Mapping[str, Any]], name: str, region: str) -> bool:
    """Whether these are the tags of something that was made for the cluster of this name in this region."""
    regions = [tag.get("Value") for tag in tag_list if tag.get("Key") == "region"]
    return owner(tag_list) == name and regions in ([], [region])
