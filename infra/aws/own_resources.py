"""What dwh.cfg brings of the user's own: a role, a security group, subnets, a KMS key, tags and the like.

Companies often forbid to make some of these. What is named here is used as it is: it is never changed nor deleted.
"""

import re
from dataclasses import dataclass

from infra.aws.tags import RESERVED, Pairs
from infra.config import Settings, fail

# What each key may look like, and an example of it.
FORMS = {
    "DWH_ROLE_ARN": (r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", "arn:aws:iam::123456789012:role/name"),
    "DWH_PERMISSIONS_BOUNDARY": (
        r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+",
        "arn:aws:iam::123456789012:policy/name",
    ),
    "DWH_SECURITY_GROUP": (r"sg-[0-9a-f]{8,}", "sg-0123456789abcdef0"),
    "DWH_KMS_KEY": (
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+",
        "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
}
MOST_TAGS = 50 - len(RESERVED)  # AWS takes 50 on a thing
TAG = re.compile(r"([\w .:/+@-]{1,128})=([\w .:/=+@-]{0,256})")


@dataclass(frozen=True)
class OwnResources:
    """What the user brings; an empty value means that the scripts make it, or leave it to AWS."""

    role_arn: str = ""
    permissions_boundary: str = ""  # of the roles that the scripts make
    security_group: str = ""
    subnet_ids: tuple[str, ...] = ()  # all of one VPC
    kms_key: str = ""  # "": AWS's own key
    tags: Pairs = ()  # on top of the project's
    enhanced_vpc_routing: bool = False


def read_own_resources(settings: Settings) -> OwnResources:
    """Read what the [DWH] section brings. Raises ConfigError for a value that AWS would not take."""
    values = {key: settings.dwh.get(key, "") for key in FORMS}
    for key, (form, example) in FORMS.items():
        if values[key] and not re.fullmatch(form, values[key]):
            fail(settings.path, "DWH", key, f"is {values[key]!r}: it must look like {example}.")
    routing = (settings.dwh.get("DWH_ENHANCED_VPC_ROUTING") or "false").lower()
    if routing not in ("true", "false"):
        fail(settings.path, "DWH", "DWH_ENHANCED_VPC_ROUTING", f"is {routing!r}: write true or false.")
    return OwnResources(
        role_arn=values["DWH_ROLE_ARN"],
        permissions_boundary=values["DWH_PERMISSIONS_BOUNDARY"],
        security_group=values["DWH_SECURITY_GROUP"],
        subnet_ids=_read_subnets(settings),
        kms_key=values["DWH_KMS_KEY"],
        tags=_read_tags(settings),
        enhanced_vpc_routing=routing == "true",
    )


def _read_subnets(settings: Settings) -> tuple[str, ...]:
    """Read the IDs of subnets, which blanks or commas part."""
    subnets = tuple(dict.fromkeys(settings.dwh.get("DWH_SUBNET_IDS", "").replace(",", " ").split()))
    for subnet in subnets:
        if not re.fullmatch(r"subnet-[0-9a-f]{8,}", subnet):
            fail(settings.path, "DWH", "DWH_SUBNET_IDS", f"has {subnet!r}: write subnet-..., with commas between them.")
    if subnets and settings.dwh.get("DWH_SUBNET_GROUP"):
        fail(settings.path, "DWH", "DWH_SUBNET_IDS", "and DWH_SUBNET_GROUP both name subnets: empty one of them.")
    return subnets


def _read_tags(settings: Settings) -> Pairs:
    """Read tags such as `team=data, cost-center=42`."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in settings.dwh.get("DWH_TAGS", "").split(","))):
        tag = TAG.fullmatch(part)
        if not tag:
            fail(settings.path, "DWH", "DWH_TAGS", f"has {part!r}: write key=value, with commas between them.")
        key, value = (word.strip() for word in tag.groups())
        if key.lower() in {each.lower() for each in RESERVED} or key.lower().startswith("aws:"):
            fail(settings.path, "DWH", "DWH_TAGS", f"has {key!r}, which these scripts or AWS set: choose another key.")
        if key.lower() in {each.lower() for each in found}:  # for IAM Team and team are one key
            fail(
                settings.path, "DWH", "DWH_TAGS", f"has {key!r} twice: AWS takes each key once, however it is written."
            )
        found[key] = value
    if len(found) > MOST_TAGS:
        fail(settings.path, "DWH", "DWH_TAGS", f"has {len(found)} tags: AWS takes {MOST_TAGS} besides the project's.")
    return tuple(found.items())
