"""What Redshift costs: dated list prices, and nothing for what is not in them."""

SOURCE = "https://aws.amazon.com/redshift/pricing/"
# AWS's price list (https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonRedshift/current/REGION/index.json)
# as published on this day, and as the project BenchBox has it on record, in pricing_vendor_evidence.yaml.
AS_OF = "2026-09-11"
NODE_TYPES = (
    *("ra3.large", "ra3.xlplus", "ra3.4xlarge", "ra3.16xlarge"),
    *("rg.large", "rg.xlarge", "rg.4xlarge", "rg.12xlarge"),
)
# US dollars an hour and node, on demand, without storage (managed storage is billed by the GB and month).
NODE_HOUR = {
    "us-east-1": (0.543, 1.086, 3.26, 13.04, 0.3801, 0.7602, 3.0427, 9.128),
    "us-east-2": (0.543, 1.086, 3.26, 13.04, 0.3801, 0.7602, 3.0427, 9.128),
    "us-west-1": (0.601, 1.202, 3.606, 14.424, 0.4207, 0.8414, 3.3656, 10.0968),
    "us-west-2": (0.543, 1.086, 3.26, 13.04, 0.3801, 0.7602, 3.0427, 9.128),
    "eu-west-1": (0.601, 1.202, 3.606, 14.424, 0.4207, 0.8414, 3.3656, 10.0968),
    "eu-west-2": (0.632, 1.264, 3.793, 15.174, 0.4424, 0.8848, 3.5401, 10.6218),
    "eu-central-1": (0.649, 1.298, 3.894, 15.578, 0.4543, 0.9086, 3.6344, 10.9046),
    "ap-southeast-1": (0.652, 1.303, 3.909, 15.636, 0.4564, 0.9121, 3.6484, 10.9452),
    "ap-southeast-2": (0.652, 1.303, 3.909, 15.636, 0.4564, 0.9121, 3.6484, 10.9452),
    "ap-northeast-1": (0.639, 1.278, 3.836, 15.347, 0.4473, 0.8946, 3.5803, 10.7429),
    "sa-east-1": (0.866, 1.731, 5.195, 20.78, 0.6062, 1.2117, 4.8487, 14.546),
}
# US dollars for an RPU-hour of Redshift Serverless, billed by the second while queries run, at least 60 seconds;
# us-west-2 from the same list (SKU KQ3J5VYQJZ5QMG9Z), us-east-1 from the pricing page, where it stood on 2026-10-07.
RPU_HOUR = {"us-east-1": 0.375, "us-west-2": 0.36}

# US dollars for a secret of AWS Secrets Manager, which keeps the password with --manage-password: from this page, as
# the project API Evangelist has it on record for the day, in amazon-secrets-manager-plans-pricing.yml.
SECRET_MONTH = 0.40
SECRET_AS_OF, SECRET_SOURCE = "2026-09-20", "https://aws.amazon.com/secrets-manager/pricing/"


def describe_secret() -> str:
    """The price of the secret in words, with its date and source: it is billed as long as the cluster is there."""
    return f"${SECRET_MONTH:.2f} a month, paused or not (list price of {SECRET_AS_OF}; today's: {SECRET_SOURCE})"


def hourly(region: str, *, node_type: str = "", nodes: int = 0, rpu: int = 0) -> float | None:
    """US dollars for an hour of a cluster, or of a serverless workgroup at work; None: unknown."""
    if rpu:
        return RPU_HOUR[region] * rpu if region in RPU_HOUR else None
    each = dict(zip(NODE_TYPES, NODE_HOUR.get(region, ()), strict=False)).get(node_type)
    return None if each is None else each * nodes


def describe(region: str, *, node_type: str = "", nodes: int = 0, rpu: int = 0) -> str:
    """The price in words, with its date and source; where it is unknown, that of another region to go by."""
    unit = "hour in which queries run" if rpu else "hour, used or not, until it is paused or destroyed"
    for place in (region, "us-east-1"):
        price = hourly(place, node_type=node_type, nodes=nodes, rpu=rpu)
        if price is not None:
            text = f"${price:.2f} per {unit}, plus storage (list price of {AS_OF}; today's: {SOURCE})"
            return text if place == region else f"unknown for {region}; in {place} it is {text}"
    return f"unknown; see {SOURCE}"
