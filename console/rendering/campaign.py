"""A campaign's balance for people."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.text import Text

from console.rendering.layout import age, aligned
from console.terminal import whole
from issuance.details.points import points_number
from issuance.states import CampaignState, State
from ledger.queries.balance import Balance
from ledger.queries.org_balance import OrgBalance
from operations.forecast.outlook import Outlook
from operations.formats import clock, counted, time_of_day

_STYLES = {
    CampaignState.RUNNING: "green",
    CampaignState.PAUSED: "yellow",
    CampaignState.CANCELLED: "red",
}
_HEADINGS = ("campaign", "state", "accepted", "dead letters", "end")
_NUMBERS = (2, 3)
_LONGEST_NAME = 22


def balance_table(
    balances: Sequence[Balance],
    since: Mapping[str, datetime] | None = None,
    outlooks: Mapping[str, Outlook] | None = None,
    todo: Mapping[str, str] | None = None,
) -> list[Text]:
    """A row a campaign, and below it its weight and the counts of its lines by state.

    `since` has the times since when campaigns are paused or cancelled, by name, `outlooks` when
    they end, and `todo` what is to be done next.

    A name too long for its column has a line of its own above the row.
    """
    now = datetime.now(UTC)
    ends = {name: _end(outlook, now) for name, outlook in (outlooks or {}).items()}
    cells = [(*_cells(each), ends.get(each.campaign.name, "")) for each in balances]
    head, *rows = aligned([_HEADINGS, *cells], right=_NUMBERS)
    table = [Text(head, style="bold")]
    for row, balance in zip(rows, balances, strict=True):
        if not _fits(balance):
            table.append(Text(balance.campaign.name))
        below = " · ".join(filter(None, (_weight(balance), counts(balance))))
        table += [_coloured(row, balance), Text(f"  {below}", style="dim")]
        table += [Text(f"  {line}", style="dim") for line in sums(balance)]
        if next_step := (todo or {}).get(balance.campaign.name):
            table.append(Text(f"  next: {next_step}", style="dim"))
        at = (since or {}).get(balance.campaign.name)
        if at is not None:
            lasting = f"  {balance.campaign.state} since {clock(at)}, for {age(at)}"
            table.append(Text(lasting, style="dim"))
        if not balance.balanced:
            table.append(Text(f"  BOOKS DIFFER: {difference(balance)}", style="bold red"))
    return table


def difference(balance: Balance) -> str:
    """The lines that acceptance has counted, and those that there are."""
    found = sum(balance.counts.values())
    return f"accepted {balance.campaign.accepted_lines:,}, found {found:,}"


def _end(outlook: Outlook, now: datetime) -> str:
    """When a campaign finished, or is likely to."""
    if outlook.finished_at is not None:
        return time_of_day(outlook.finished_at, now)
    return f"about {time_of_day(outlook.ends.likely, now)}" if outlook.ends else ""


def sums(balance: Balance) -> list[str]:
    """`1,880 units issued, 18,800 points redeemed`, without what there is none of."""
    sums = []
    if balance.units:
        sums.append(f"{counted(balance.units, 'unit')} issued")
    if balance.points:
        sums.append(f"{points_number(balance.points):,} points redeemed")
    return [", ".join(sums)] if sums else []


_ORG_HEADINGS = (
    *("organisation", "accepted", "open", "issued", "partial", "failed", "in doubt"),
    *("units", "points", "balanced"),
)


def org_table(campaign: str, orgs: Sequence[OrgBalance]) -> list[Text]:
    """A campaign's organisations: their lines by state, units, redeemed points, and the check."""
    if not orgs:
        return [Text(f"{campaign}: no lines yet")]
    rows = [_ORG_HEADINGS, *map(_org_cells, orgs)]
    head, *lines = aligned(rows, right=range(1, len(_ORG_HEADINGS) - 1))
    return [Text(campaign), Text(head, style="bold"), *map(Text, lines)]


def _org_cells(org: OrgBalance) -> tuple[str, ...]:
    counts = [
        org.counts.get(state, 0)
        for state in (State.WAITING, State.ISSUED, State.PARTIAL, State.FAILED, State.IN_DOUBT)
    ]
    others = [
        f", {count:,} {state}"
        for state in (State.CANCELLED, State.REPLACED, State.REVOKED)
        if (count := org.counts.get(state, 0))
    ]
    return (
        "none" if org.org_id is None else str(org.org_id),
        f"{org.accepted:,}",
        *(f"{count:,}" for count in counts),
        f"{org.units:,}",
        f"{points_number(org.points):,}",
        ("yes" if org.balanced else "NO") + "".join(others),
    )


def _fits(balance: Balance) -> bool:
    return len(balance.campaign.name) <= _LONGEST_NAME


def _cells(balance: Balance) -> tuple[str, ...]:
    campaign = balance.campaign
    return (
        campaign.name if _fits(balance) else "",
        campaign.state,
        f"{campaign.accepted_lines:,}",
        f"{balance.open_dead_letters:,}",
    )


def _coloured(row: str, balance: Balance) -> Text:
    text = Text(row)
    state = balance.campaign.state
    if state in _STYLES:
        place = row.find(state, len(balance.campaign.name) if _fits(balance) else 0)
        text.stylize(_STYLES[state], place, place + len(state))
    return text


def counts(balance: Balance) -> str:
    """`waiting 120 · issued 1,880`: the states that have lines, in the order lines pass them."""
    filled = [
        f"{state.replace('_', ' ')} {count:,}" for state, count in balance.counts.items() if count
    ]
    if balance.pruned:
        filled.append(f"({balance.pruned:,} of them pruned)")
    return " · ".join(filled) or "no lines yet"


def _weight(balance: Balance) -> str:
    """Shown only when it is not 1."""
    return "" if balance.campaign.weight == 1 else f"weight {balance.campaign.weight}"


def balance_lines(balance: Balance) -> list[Text]:
    """One campaign's balance, and the command that lists its dead letters."""
    campaign = balance.campaign
    books = (
        "balanced" if balance.balanced else f"NOT BALANCED: {sum(balance.counts.values()):,} found"
    )
    facts = (
        campaign.state,
        _weight(balance),
        f"{counted(campaign.accepted_lines, 'line')} accepted",
        books,
    )
    lines = [
        Text(f"{campaign.name}: {', '.join(filter(None, facts))}"),
        Text(f"  {counts(balance)}"),
        *(Text(f"  {line}") for line in sums(balance)),
    ]
    if balance.open_dead_letters:
        command = whole(f"issuance dead-letters list --campaign {shlex.quote(campaign.name)}")
        lines.append(Text(f"  {counted(balance.open_dead_letters, 'open dead letter')}: {command}"))
    return lines
