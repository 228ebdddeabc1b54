"""What a report says, as plain data: the closing statement, and what else the ledger holds of it.

It is a function of the ledger alone: no clock, no order that may change, integers and texts only.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic_core import from_json
from sqlalchemy import Connection

from issuance.states import State
from ledger.audit_log import account_target
from ledger.campaigns import find_in
from ledger.closing.closing import closing_in
from ledger.limit_samples import read_limits
from ledger.queries.audit_entries import entries_between, last_entry_before
from ledger.queries.call_series import read_series
from ledger.queries.code_counts import count_codes, count_pruned
from ledger.store.clock import instant
from operations.formats import counted, iso
from operations.report.grid import limit_values, make_grid, series_values
from operations.report.marks import MOST_CLOSED, closed_times, make_marks
from operations.report.outcome_classes import outcome_classes
from operations.report.rates import SET, account_rates, campaign_rates

FORMAT: Final = 1
"""Grows when the same ledger gives other bytes."""
_MOST_ACTS = 200
_MARKED = (SET, "end suspensions done")


def read_facts(connection: Connection, name: str) -> dict[str, Any]:
    """Read what the report of a closed campaign says.

    Raises:
        CampaignError: there is no such campaign, or it is not closed.
    """
    campaign = find_in(connection, name)
    closing, has_changed = closing_in(connection, campaign)
    statement: dict[str, Any] = from_json(closing.statement)
    begin_ms, end_ms = _ends(statement)
    grid, count = make_grid(begin_ms, end_ms)
    begin, end = (iso(instant(each)) or "" for each in (grid.begin_ms, end_ms))
    states = [State(each["state"]) for each in statement["states"]]
    target = account_target(campaign.account)
    acts = entries_between(connection, target, _MARKED, grid.begin_ms, end_ms, limit=_MOST_ACTS)
    earlier = last_entry_before(connection, target, SET, grid.begin_ms)
    rate_acts = [*([earlier] if earlier else []), *(act for act in acts if act.verb == SET)]
    codes = [state for state in states if state is not State.ISSUED]
    series = read_series(connection, campaign.id, grid, states, _ms(statement["closing"]["at"]))
    limits = limit_values(
        read_limits(connection, campaign.account, grid.begin_ms, end_ms), grid, count, end_ms
    )
    sampled = [{"at": iso(instant(at)), "perMinute": rate} for at, rate in limits.rates]
    found = {
        "format": FORMAT,
        "statement": statement,
        "statementSha256": closing.sha256,
        "countsChanged": has_changed,
        "outcomes": outcome_classes(
            statement["states"], count_codes(connection, campaign.id, codes)
        ),
        "axis": {"begin": begin, "end": end, "spanSeconds": grid.span_ms // 1000, "spans": count},
        "series": series_values(series, count) | {"adaptiveLimit": limits.adaptive},
        "rates": {
            "account": sampled or account_rates(rate_acts, begin),
            "campaign": campaign_rates(statement, begin),
        },
        "marks": make_marks(statement, acts, begin, end),
        "prunedLines": count_pruned(connection, campaign.id),
    }
    gaps = _gaps(found, knows_limits=bool(sampled), is_cut=len(acts) >= _MOST_ACTS)
    return found | {"gaps": list(gaps)}


def _ends(statement: Mapping[str, Any]) -> tuple[int, int]:
    begin = _ms(statement["campaign"]["startedAt"])
    end = statement["campaign"]["finishedAt"] or statement["closing"]["at"]
    return begin, max(begin, _ms(end))


def _ms(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def _gaps(found: Mapping[str, Any], *, knows_limits: bool, is_cut: bool) -> Iterator[str]:
    """Say what the charts cannot show."""
    if not knows_limits:
        yield (
            "The ledger has no adaptive limit of this time: it was pruned, or the campaign ran "
            "before version 0017 of the schema, which records it."
        )
    if not found["rates"]["account"]:
        yield (
            "The ledger has no rate of the account of this time: no operator set it, and the rate "
            "of the settings was not recorded."
        )
    if found["prunedLines"]:
        yield (
            f"{counted(found['prunedLines'], 'line')} of the campaign were pruned: the charts do "
            "not have their calls and jobs."
        )
    if outside := found["series"]["callsOutside"]:
        yield (
            f"{counted(outside, 'call')} began outside of this time by the clock of their worker, "
            "and are not drawn."
        )
    if len(closed_times(found["statement"], found["axis"]["begin"], found["axis"]["end"])) > (
        MOST_CLOSED
    ):
        yield f"The window was closed more than {MOST_CLOSED} times: only the first are marked."
    if is_cut:
        yield f"More than {_MOST_ACTS} acts concern the account: only the first are marked."
