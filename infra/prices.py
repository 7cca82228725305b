"""What Redshift costs: dated list prices, and nothing for what is not in them."""

from datetime import date

SOURCE = "https://aws.amazon.com/redshift/pricing/"
AS_OF = date(2026, 10, 7)
# US dollars an hour and node, on demand, without storage (managed storage is billed by the GB and month).
NODE_HOUR = {
    "us-east-1": {"ra3.large": 0.543, "ra3.xlplus": 1.086, "ra3.4xlarge": 3.26, "ra3.16xlarge": 13.04},
}
# US dollars for an RPU-hour of Redshift Serverless, billed by the second while queries run, at least 60 seconds.
RPU_HOUR = {"us-east-1": 0.375}


def hourly(region: str, *, node_type: str = "", nodes: int = 0, rpu: int = 0) -> float | None:
    """US dollars for an hour of a cluster, or of a serverless workgroup at work; None: unknown."""
    if rpu:
        each, count = RPU_HOUR.get(region), rpu
    else:
        each, count = NODE_HOUR.get(region, {}).get(node_type), nodes
    return None if each is None else each * count


def describe(region: str, *, node_type: str = "", nodes: int = 0, rpu: int = 0) -> str:
    """The price in words, with its date and source; where it is unknown, that of another region to go by."""
    unit = "hour in which queries run" if rpu else "hour, used or not, until it is paused or destroyed"
    for place in dict.fromkeys([region, *NODE_HOUR]):
        price = hourly(place, node_type=node_type, nodes=nodes, rpu=rpu)
        if price is not None:
            text = f"${price:.2f} per {unit}, plus storage ({SOURCE}, {AS_OF})"
            return text if place == region else f"unknown for {region}; in {place} it is {text}"
    return f"unknown; see {SOURCE}"
