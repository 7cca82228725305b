"""A monthly budget at AWS on what carries the project's tag, with a mail when most of it is used up.

AWS counts by a tag only after the account that pays has activated it as a cost allocation tag. A budget that only sends
mail costs nothing.
"""

from typing import TYPE_CHECKING, Any

from infra.aws import requests
from infra.aws.cluster_spec import ClusterSpec

if TYPE_CHECKING:
    from mypy_boto3_budgets import BudgetsClient

PERCENT = 80  # of the budget: then the mail is sent
ACTIVATE = "aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=project,Status=Active"


def request(spec: ClusterSpec) -> requests.Request:
    """Return the request for the budget that the spec asks for."""
    return requests.budget(spec, PERCENT)


def name(spec: ClusterSpec) -> str:
    """Return the name of the budget; budgets belong to the account, so it has the region in it."""
    return str(request(spec)["Budget"]["BudgetName"])


def find(budgets: "BudgetsClient", account: str, spec: ClusterSpec) -> dict[str, Any] | None:
    """Return the budget of the cluster; None: there is none."""
    try:
        return dict(budgets.describe_budget(AccountId=account, BudgetName=name(spec))["Budget"])
    except budgets.exceptions.NotFoundException:
        return None


def ensure(budgets: "BudgetsClient", account: str, spec: ClusterSpec) -> None:
    """Have the budget that the spec asks for; one with another amount or another address is made anew."""
    found = find(budgets, account, spec)
    if found:
        same = float(found["BudgetLimit"]["Amount"]) == spec.guards.budget_dollars
        if same and spec.guards.budget_mail in _mails(budgets, account, spec):
            return
        delete(budgets, account, spec)
    budgets.create_budget(AccountId=account, **request(spec))


def _mails(budgets: "BudgetsClient", account: str, spec: ClusterSpec) -> list[str]:
    """Return the addresses that the budget's mail goes to."""
    called, found = name(spec), []
    answer = budgets.describe_notifications_for_budget(AccountId=account, BudgetName=called)
    for notification in answer["Notifications"]:
        subscribers = budgets.describe_subscribers_for_notification(
            AccountId=account, BudgetName=called, Notification=notification
        )
        found += [subscriber["Address"] for subscriber in subscribers["Subscribers"]]
    return found


def delete(budgets: "BudgetsClient", account: str, spec: ClusterSpec) -> None:
    """Delete the budget with its notifications, unless it is gone already."""
    try:
        budgets.delete_budget(AccountId=account, BudgetName=name(spec))
    except budgets.exceptions.NotFoundException:
        return
