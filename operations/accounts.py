"""The API accounts as an operator sees them: a list, and a check that issues nothing."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from config.accounts import Account
from issuance.data_scope import ScopeKind, scope_of
from issuance.reconciliation.conclusion import CLOCK_SKEW
from issuance.replies.reply import Answer, NoAnswer
from ledger.queries.campaign_accounts import count_campaigns
from ledger.store.errors import LedgerError
from limiter.state import LimitState
from limiter.unavailable import LimitsUnavailable
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import counted, duration
from operations.limits import breaker_text
from operations.services import Services
from rewards_api.account import ApiAccount
from rewards_api.client import Probe, RewardsClient
from rewards_api.reads import Unreadable

_REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """One account, its limits and its campaigns."""

    account: Account
    limits: LimitState | None
    """None if they are unknown."""
    campaigns: int | None
    """None if the ledger cannot be read."""

    @property
    def scope(self) -> str:
        """Scope and organisation of calls that give none; "" if the endpoint has no scopes."""
        account = self.account
        if not account.variant.endpoint.scoped:
            return ""
        return f"{account.data_scope} {account.own_org}".strip()

    @property
    def rate(self) -> str:
        """Calls a minute in force."""
        limits = self.limits
        per_minute = self.account.rate_per_minute if limits is None else limits.rate_per_minute
        return f"{counted(per_minute, 'call')} a minute" if per_minute else "unlimited"

    @property
    def state(self) -> str:
        """Whether calls may start."""
        return "unknown" if self.limits is None else breaker_text(self.limits.account)


@needs(Right.VIEW)
def list_accounts(subject: Subject, services: Services) -> list[AccountStatus]:
    """Return all accounts by name. Without Redis or the ledger their part is unknown."""
    campaigns = _campaigns(services)
    return [
        AccountStatus(
            account,
            _limits(services, name),
            None if campaigns is None else campaigns.get(name, 0),
        )
        for name, account in sorted(services.accounts.all().items())
        if account.url
    ]


def _campaigns(services: Services) -> dict[str, int] | None:
    try:
        with services.open_ledger() as ledger:
            return count_campaigns(ledger)
    except (DBAPIError, LedgerError):
        return None


def _limits(services: Services, name: str) -> LimitState | None:
    limits = services.limits_of(name)
    try:
        return None if limits is None else limits.state()
    except LimitsUnavailable:
        return None


def account_json(status: AccountStatus) -> dict[str, Any]:
    """Return an account for programs; it has no secret."""
    account = status.account
    return {
        "account": account.name,
        "host": account.host,
        "endpoint": account.variant,
        "auth": account.auth,
        "till": account.till,
        "brand": account.brand,
        "dataScope": account.data_scope if account.variant.endpoint.scoped else None,
        "ownOrg": account.own_org or None,
        "timeZone": account.time_zone,
        "ratePerMinute": account.rate_per_minute
        if status.limits is None
        else status.limits.rate_per_minute,
        "availability": None if status.limits is None else status.limits.account.availability,
        "campaigns": status.campaigns,
    }


@dataclass(frozen=True, slots=True)
class CheckedItem:
    """One item of an account's check."""

    name: str
    ok: bool | None
    """None: it cannot be known."""
    finding: str
    remedy: str = ""


@needs(Right.CHECK_ACCOUNT)
def check_account(subject: Subject, services: Services, name: str) -> list[CheckedItem]:
    """Try an account's credentials, its scope and the clocks with reads; nothing is issued.

    Raises:
        AccountError: there is no such account.
        ValueError: the account cannot be used.
    """
    account = services.accounts.get(name)
    api_account = services.api_account(name)
    return list(asyncio.run(_check(account, api_account)))


async def _check(account: Account, api_account: ApiAccount) -> list[CheckedItem]:
    reads = account.variant.endpoint.reads
    is_scoped = account.variant.endpoint.scoped
    own = scope_of(ScopeKind.SELF, ()) if is_scoped else None
    async with RewardsClient(api_account) as client:
        probe = await client.probe(reads=reads, scope=own)
        items = [_credentials(account, probe)]
        if not is_scoped:
            items.append(
                CheckedItem("scope", ok=True, finding=f"the {account.variant} endpoint has none")
            )
        elif account.data_scope is ScopeKind.SELF:
            items.append(CheckedItem("scope", items[0].ok, "SELF, as for the credentials"))
        elif not account.own_org:
            items.append(
                CheckedItem("scope", None, "OTHER without an own organisation: each row names it")
            )
        else:
            scope = scope_of(ScopeKind.OTHER, [account.own_org])
            items.append(_scope(scope, await client.probe(reads=reads, scope=scope)))
    return [*items, _clock(probe)]


def _credentials(account: Account, probe: Probe) -> CheckedItem:
    name = "credentials"
    if not isinstance(probe.detail, Unreadable):
        return CheckedItem(name, ok=True, finding=f"accepted ({account.auth})")
    reply = probe.reply
    if isinstance(reply, NoAnswer):
        if reply.kind == "token" and reply.detail.startswith("refused"):
            return CheckedItem(
                name, ok=False, finding=reply.detail, remedy="correct the client's key and secret"
            )
        return CheckedItem(
            name,
            ok=None if reply.sent else False,
            finding=f"no answer from {account.host} ({reply.kind}: {reply.detail})",
            remedy="check the URL and the network, then try again",
        )
    if reply.status in _REFUSED:
        return CheckedItem(
            name,
            ok=False,
            finding=f"refused (HTTP {reply.status})",
            remedy="correct the till and its password"
            if account.auth == "basic"
            else "correct the client's key and secret, or its access group",
        )
    return CheckedItem(
        name,
        ok=None,
        finding=f"the answer cannot be read (HTTP {reply.status})",
        remedy="check that the URL is the API's",
    )


def _scope(scope: str, probe: Probe) -> CheckedItem:
    if not isinstance(probe.detail, Unreadable):
        return CheckedItem("scope", ok=True, finding=f"{scope} accepted")
    status = f"HTTP {probe.reply.status}" if isinstance(probe.reply, Answer) else probe.reply.kind
    return CheckedItem(
        "scope",
        ok=False,
        finding=f"{scope} refused ({status})",
        remedy="correct own_org and data_scope, or have the organisations connected",
    )


def _clock(probe: Probe) -> CheckedItem:
    if probe.api_time is None:
        return CheckedItem("clock", None, "the answer has no readable Date")
    ahead = (probe.at - probe.api_time).total_seconds()
    # The header counts whole seconds.
    difference = max(0.0, abs(ahead) - 1.0)
    if difference <= CLOCK_SKEW.total_seconds():
        return CheckedItem("clock", ok=True, finding=f"differs by {duration(difference)} or less")
    where = "ahead of" if ahead > 0 else "behind"
    return CheckedItem(
        "clock",
        ok=False,
        finding=f"ours is {duration(difference)} {where} the API's",
        remedy="set this machine's clock with NTP: reconciliation would miss transactions",
    )


def check_json(name: str, items: list[CheckedItem]) -> dict[str, Any]:
    """Return a check for programs."""
    return {
        "account": name,
        "ok": passes(items),
        "items": [
            {"item": item.name, "ok": item.ok, "finding": item.finding, "remedy": item.remedy}
            for item in items
        ],
    }


def passes(items: list[CheckedItem]) -> bool:
    """Whether the account can be used: nothing failed, and its credentials were accepted."""
    return items[0].ok is True and all(item.ok is not False for item in items)


def check_lines(items: list[CheckedItem]) -> Iterator[str]:
    """Say each item's verdict in one line."""
    for item in items:
        verdict = {True: "ok", False: "failed", None: "unknown"}[item.ok]
        remedy = f"; {item.remedy}" if item.remedy else ""
        yield f"{item.name:<12} {verdict:<8} {item.finding}{remedy}"
