"""What dwh.cfg wants against a forgotten bill: a time of the day to pause at, and a budget with a mail."""

import re
from dataclasses import dataclass

from infra.config import Settings, fail

DEFAULT_DOLLARS = 20


@dataclass(frozen=True)
class Guards:
    """The guards of a cluster; an empty value means none."""

    pause_at: str = ""  # UTC, such as 20:00; a serverless workgroup pauses by itself
    budget_mail: str = ""
    budget_dollars: int = DEFAULT_DOLLARS  # a month


def is_time(text: str) -> bool:
    """Tell whether the text is a time of the day, such as 20:00."""
    return re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text) is not None


def read_guards(settings: Settings) -> Guards:
    """Read the guards in [DWH]. Raises ConfigError for what is no time, no address or no amount."""
    pause_at, mail = settings.dwh.get("DWH_PAUSE_AT", ""), settings.dwh.get("DWH_BUDGET_MAIL", "")
    dollars = settings.dwh.get("DWH_BUDGET_DOLLARS") or str(DEFAULT_DOLLARS)
    if pause_at and not is_time(pause_at):
        fail(settings.path, "DWH", "DWH_PAUSE_AT", f"is {pause_at!r}: write a time in UTC, such as 20:00.")
    if mail and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", mail):
        fail(settings.path, "DWH", "DWH_BUDGET_MAIL", f"is {mail!r}: write one address.")
    if not (dollars.isdecimal() and int(dollars) > 0):
        fail(settings.path, "DWH", "DWH_BUDGET_DOLLARS", f"is {dollars!r}: write whole US dollars a month.")
    return Guards(pause_at, mail, int(dollars))
