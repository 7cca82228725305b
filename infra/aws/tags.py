"""The tags that mark and bill what these scripts make."""

PROJECT = "sparkify-dwh"  # the value of the tag `project` on all that these scripts make


def as_dict(name: str) -> dict[str, str]:
    """The tags that mark and bill what belongs to the cluster of this name."""
    return {"project": PROJECT, "cluster": name, "Name": f"{PROJECT} {name}"}


def as_list(name: str) -> list[dict[str, str]]:
    """The same in the form that IAM, EC2 and Redshift take."""
    return [{"Key": key, "Value": value} for key, value in as_dict(name).items()]


def owner(tag_list: list[dict[str, str]]) -> str:
    """The name of the cluster that a list of tags belongs to; "" for what these scripts have not made."""
    found = {tag.get("Key") or tag.get("key"): tag.get("Value") or tag.get("value") for tag in tag_list}
    return found.get("cluster") or "" if found.get("project") == PROJECT else ""
