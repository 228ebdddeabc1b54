"""The API accounts as a table: a line each, as wide as it needs, because hosts are not cut."""

from collections.abc import Sequence

from console.rendering.layout import aligned
from operations.accounts import AccountStatus

_HEADER = ("account", "host", "endpoint", "auth", "scope", "rate", "campaigns", "state")


def account_table(accounts: Sequence[AccountStatus]) -> list[str]:
    """A header, and a line for each account."""
    return aligned([_HEADER, *map(_row, accounts)], right=[_HEADER.index("campaigns")])


def _row(status: AccountStatus) -> tuple[str, ...]:
    account = status.account
    campaigns = "unknown" if status.campaigns is None else f"{status.campaigns:,}"
    names = (account.name, account.host, account.variant.value, account.auth)
    return (*names, status.scope or "-", status.rate, campaigns, status.state)
