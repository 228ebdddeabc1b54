"""The status of the whole system, for people."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from console.rendering.campaign import balance_table, org_table
from console.rendering.campaign_page import campaign_page
from console.rendering.limits import account_lines
from console.rendering.stops import stop_lines
from operations.budgets import budget_text
from operations.process_reports import SettingInUse
from operations.restarts import claimed_text, restart_text
from operations.status import Status

_RESTARTS = 3
_NO_LIMITS = "limits   unknown: `issuance limits show` says why"


def status_lines(status: Status) -> list[Text]:
    """The campaigns, and below them the system; within 80 columns, except for a long name."""
    return [*campaign_lines(status), Text(), *system_lines(status)]


def campaign_lines(status: Status) -> list[Text]:
    """The page of one campaign or a table of all, and the organisations if they were asked for."""
    if not status.balances:
        return [Text("No campaigns yet.")]
    lines = _page(status) if status.is_of_one else _table(status)
    several = len(status.balances) > 1
    for name, usage in status.budgets.items():
        lines.append(Text(f"  {f'{name} ' if several else ''}{budget_text(usage)}"))
    for stopped in status.stopped.values():
        lines += [Text(), *stop_lines(stopped)]
    for campaign, orgs in status.orgs.items():
        lines += [Text(), *org_table(campaign, orgs)]
    return lines


def _table(status: Status) -> list[Text]:
    return balance_table(status.balances, status.since, status.outlooks, status.todo)


def _page(status: Status) -> list[Text]:
    (balance,) = status.balances
    name = balance.campaign.name
    return campaign_page(balance, status.outlooks[name], status.todo.get(name, ""))


def system_lines(status: Status) -> Iterator[Text]:
    """The speed, the account's limits, and whether the system runs."""
    yield Text(f"speed    {status.attempts_per_second:,.1f} attempts a second over the last 10 s")
    yield from map(Text, account_lines(status.limits) if status.limits else [_NO_LIMITS])
    yield Text(f"system   {status.where}", style="" if status.running else "yellow")
    yield from map(Text, _restarts(status))
    yield from map(Text, _in_use(status))
    if status.settings_file:
        yield Text(f"settings {status.settings_file}, and the environment")


def _restarts(status: Status) -> Iterator[str]:
    """The newest restarts of the last day, and what waits for the leases of dead workers."""
    if status.restarts is None:
        yield "restarts unknown: Redis, which has them, is out of reach"
        return
    now = datetime.now(UTC)
    for restart in status.restarts[:_RESTARTS]:
        yield f"restart  {restart_text(restart, restart.at, now)}"
        if restart.claimed is not None:
            yield f"         {claimed_text(restart.claimed, now)}"
    if (left := len(status.restarts) - _RESTARTS) > 0:
        yield f"         and {left} more in the last day: `issuance status --json`"


def _in_use(status: Status) -> Iterator[str]:
    """What the running processes report; nothing when none does."""
    if not status.processes:
        return
    versions = sorted({report.version or "an older one" for report in status.processes})
    count = len(status.processes)
    reporters = "1 process reports" if count == 1 else f"{count} processes report"
    yield f"version  {' and '.join(versions)}, as {reporters}"
    for setting in status.in_use:
        yield f"in use   {_setting(setting)}"


def _setting(setting: SettingInUse) -> str:
    if len(setting.values) == 1:
        (text,) = setting.values
    else:
        text = " and ".join(
            f"{value or 'empty'} ({', '.join(nodes)})" for value, nodes in setting.values.items()
        )
    here = "" if setting.here is None else f", here {setting.here or 'empty'}"
    return f"{setting.name}={text}{here}"
