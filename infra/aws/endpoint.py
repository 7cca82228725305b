"""What HOST and ARN in dwh.cfg say of the cluster that is there, and whether dwh.cfg and the keys still lead to it.

A cluster costs money until it is destroyed. So a script stops where HOST names a cluster in another region, or ARN a
role of another account, than those it would work in: it would look past the cluster, and write over its address.
"""

import re
from dataclasses import dataclass

from infra.config import EMBEDDED_ROLE, Settings
from infra.errors import ConfigError

# name.id.region.redshift.amazonaws.com, or name.account.region.redshift-serverless.amazonaws.com; in China it ends with
# com.cn, in the European Sovereign Cloud with eu
FORM = re.compile(r"([a-z0-9-]+)\.([a-z0-9]+)\.([a-z0-9-]+)\.redshift(-serverless)?\.amazonaws\.(com|com\.cn|eu)")


@dataclass(frozen=True)
class Endpoint:
    """What the host name of a cluster or workgroup says of it."""

    name: str
    region: str
    account: str  # "": the name of a provisioned cluster does not say it
    serverless: bool


def parse_endpoint(host: str) -> Endpoint | None:
    """Read a host name; None: it is no endpoint of AWS."""
    match = FORM.fullmatch(host)
    if match is None:
        return None
    return Endpoint(match[1], match[3], match[2] if match[4] else "", bool(match[4]))


def check_region(settings: Settings) -> None:
    """Raise a ConfigError if HOST is in another region than the one that dwh.cfg asks for."""
    endpoint = parse_endpoint(settings.host)
    if endpoint and endpoint.region != settings.cluster_region:
        raise ConfigError(
            f"{settings.path}: [CLUSTER] HOST names the cluster {endpoint.name} in {endpoint.region}, but the region "
            f"asked for is {settings.cluster_region}: set [DWH] DWH_REGION={endpoint.region} to work with that cluster "
            "and to destroy it. If it is gone, empty HOST."
        )


def check_account(settings: Settings, account: str) -> None:
    """Raise a ConfigError if HOST or ARN belongs to another account than the caller's."""
    endpoint = parse_endpoint(settings.host)
    if endpoint and endpoint.account:
        place, there = "[CLUSTER] HOST", endpoint.account
    elif settings.role_arn != EMBEDDED_ROLE:
        place, there = "[IAM_ROLE] ARN", settings.role_arn.split(":")[4]
    else:
        return
    if there != account:
        raise ConfigError(
            f"{settings.path}: {place} is of the account {there}, but your AWS keys are of {account}: use the keys of "
            f"{there} to work with its cluster and to destroy it. If it is gone, empty HOST and ARN."
        )
