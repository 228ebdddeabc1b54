"""Compares what the ledger says was issued with what the simulated API issued."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import httpx
from pydantic_core import from_json
from rich.table import Table

from issuance.states import SETTLED, State
from ledger.campaigns import find_campaign
from ledger.queries.bodies import frozen_bodies
from ledger.queries.outcomes import LineRecord, find_line, outcomes
from ledger.store.database import Ledger
from operations.formats import counted

_READ_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Issued:
    """What the API issued under one requestId."""

    units: int = 0
    vouchers: frozenset[str] = frozenset()
    account: str = ""
    org_id: int | None = None
    body_digest: str = ""
    """Of the first call's body; "" if the simulator did not record it."""
    differing_calls: int = 0
    """Calls with other bytes or from another account."""


@dataclass
class Comparison:
    """The differences between ledger and API, by requestId."""

    ledger_units: int = 0
    api_units: int = 0
    ledger_vouchers: int = 0
    api_vouchers: int = 0
    compared: int = 0
    double: list[str] = field(default_factory=list)
    """requestIds with too many units, or a second one for the same customer and reward."""
    lost: list[str] = field(default_factory=list)
    """requestIds with units or vouchers that the ledger does not know, or that never settled."""
    invented: list[str] = field(default_factory=list)
    """requestIds that only the ledger calls issued."""
    misplaced: list[str] = field(default_factory=list)
    """requestIds that were issued by another account or organisation than the ledger has."""
    altered: list[str] = field(default_factory=list)
    """requestIds of which a call had other bytes than the frozen body."""
    doubted_issued: int = 0
    """Lines in doubt that the API issued. They are not lost: the ledger shows them as in doubt."""

    @property
    def agree(self) -> bool:
        """Whether nothing is double, lost, invented, misplaced or altered."""
        return not self.wrong

    @property
    def wrong(self) -> list[str]:
        """All requestIds that differ."""
        return [*self.double, *self.lost, *self.invented, *self.misplaced, *self.altered]

    def table(self) -> Table:
        """The totals of ledger and API."""
        table = Table(box=None)
        table.add_column("the two books")
        table.add_column("ledger", justify="right")
        table.add_column("API (its own count)", justify="right")
        table.add_row("units issued", f"{self.ledger_units:,}", f"{self.api_units:,}")
        table.add_row("vouchers", f"{self.ledger_vouchers:,}", f"{self.api_vouchers:,}")
        table.add_row("in doubt, of these really issued", "", f"{self.doubted_issued:,}")
        return table

    def verdict(self) -> str:
        """The result in one line."""
        counts = f"double issues: {len(self.double)}, lost: {len(self.lost)}"
        if self.agree:
            compared = counted(self.compared, "requestId")
            return f"[bold green]double issues: 0, lost: 0[/] ({compared} compared one by one)"
        others = (
            f"invented: {len(self.invented)}, in a wrong account or organisation: "
            f"{len(self.misplaced)}, sent with other bytes: {len(self.altered)}"
        )
        return f"[bold red]{counts}, {others}[/], for example {', '.join(self.wrong[:5])}"


def compare_books(ledger: Ledger, campaign: str, api_url: str) -> Comparison:
    """Compare a campaign's lines with the simulator's record.

    Raises:
        httpx.HTTPError: the simulator does not answer.
    """
    return compare(ledger, campaign, read_truth(api_url))


def compare(ledger: Ledger, campaign: str, truth: Mapping[str, Issued]) -> Comparison:
    """Compare a campaign's lines with what the API issued; other campaigns do not count."""
    result = Comparison()
    first_key: dict[tuple[str, int], str] = {}
    unmet = {request_id: issued for request_id, issued in truth.items() if issued.units}
    found, accounts = find_campaign(ledger, campaign), set[str]()
    for line in outcomes(ledger, found):
        unmet.pop(line.request_id, None)
        issued = truth.get(line.request_id, Issued())
        _compare(result, line, issued)
        if _is_misplaced(line, issued, accounts):
            result.misplaced.append(line.request_id)
        pair = (line.customer.canonical, line.reward_id)
        if issued.units and first_key.setdefault(pair, line.request_id) != line.request_id:
            result.double.append(line.request_id)
    result.altered += _altered(frozen_bodies(ledger, found), truth)
    for request_id, issued in unmet.items():
        if find_line(ledger, request_id) is None:
            result.api_units += issued.units
            result.lost.append(request_id)
    return result


def read_truth(api_url: str) -> dict[str, Issued]:
    """Read the simulator's record, by requestId.

    Raises:
        httpx.HTTPError: it does not answer.
    """
    with httpx.stream(
        "GET", f"{api_url}/_truth", params={"format": "jsonl"}, timeout=_READ_SECONDS
    ) as answer:
        answer.raise_for_status()
        entries = (from_json(line) for line in answer.iter_lines() if line)
        return {
            entry["requestId"]: Issued(
                entry["issued"],
                frozenset(entry["vouchers"]),
                entry["account"],
                entry["orgId"],
                entry["bodyDigest"],
                entry["differingCalls"],
            )
            for entry in entries
        }


def _is_misplaced(line: LineRecord, issued: Issued, accounts: set[str]) -> bool:
    """Whether another organisation issued the line, or another account than the lines before it.

    The simulator may know an account by another name, so only their number counts.
    """
    if not issued.units:
        return False
    accounts.add(issued.account)
    return len(accounts) > 1 or line.org_id not in (None, issued.org_id)


def _altered(bodies: Iterable[tuple[str, bytes]], truth: Mapping[str, Issued]) -> list[str]:
    return [
        request_id
        for request_id, body in bodies
        for sent in [truth.get(request_id, Issued())]
        if sent.differing_calls
        or (sent.body_digest and sent.body_digest != blake2b(body, digest_size=8).hexdigest())
    ]


def _compare(result: Comparison, line: LineRecord, issued: Issued) -> None:
    known = line.quantity or 0
    result.compared += 1
    result.api_units += issued.units
    result.api_vouchers += len(issued.vouchers)
    result.ledger_units += known
    result.ledger_vouchers += len(line.vouchers)
    if issued.units > line.requested_quantity:
        result.double.append(line.request_id)
    if line.state is State.IN_DOUBT:
        result.doubted_issued += 1 if issued.units else 0
    elif (
        line.state not in SETTLED
        or known < issued.units
        or not issued.vouchers.issubset(line.vouchers)
    ):
        result.lost.append(line.request_id)
    elif known > issued.units:
        result.invented.append(line.request_id)
