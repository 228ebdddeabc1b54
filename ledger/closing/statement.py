"""The closing statement: what a campaign accepted and issued, and who did what, as plain data.

It is read from the ledger alone, with integers and texts only, in a fixed order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, func, literal, select

from issuance.closing.points import points_text
from issuance.closing.sampling import CONFIDENCE_PERCENT, most_differing
from issuance.states import State
from ledger.audit_log import ENTRY, LINE, campaign_target, entry_of
from ledger.campaigns import Campaign
from ledger.closing.verification import Comparison, Mode
from ledger.queries.code_counts import count_pruned
from ledger.queries.counters import RewardTallies, Tally, reward_counts
from ledger.store.clock import instant
from ledger.store.schema import (
    REVISION,
    approvals,
    audit_head,
    audit_log,
    bulk_actions,
    campaign_stops,
    campaigns,
    dead_letters,
    findings,
    intakes,
    jobs,
    lines,
    verifications,
)

VERSION = 1
FINDINGS_LISTED = 1_000
_GIVEN = "accept"
_SETTINGS = {
    "startAt": "start_at",
    "window": "window",
    "timezone": "timezone",
    "ratePerMinute": "rate_per_minute",
    "canary": "canary",
    "stopLoss": "stop_loss",
    "budgetUnits": "budget_units",
    "budgetPoints": "budget_points",
    "weight": "weight",
}
_TIMES = ("start_at",)
_POINTS = ("budget_points",)


def build_statement(
    connection: Connection,
    campaign: Campaign,
    comparison: Comparison,
    *,
    closed_at: int,
    closed_by: Mapping[str, Any],
    note: str,
) -> dict[str, Any]:
    """Build the statement in the transaction that closes the campaign."""
    counts, acts = reward_counts(connection, campaign.id), _acts(connection, campaign)
    row = connection.execute(select(campaigns).where(campaigns.c.id == campaign.id)).one()._asdict()
    return {
        "version": VERSION,
        "campaign": {
            "name": campaign.name,
            "account": campaign.account,
            "endedAs": campaign.state.value,
            "createdAt": _time(row["created_at"]),
            "startedAt": _time(row["started_at"] or row["created_at"]),
            "finishedAt": _time(row["finished_at"] or _last_settled(connection, campaign)),
            "settings": _settings(row),
        },
        "closing": {"at": _time(closed_at), "by": dict(closed_by), "note": note},
        "ledger": _moment(connection, closed_at),
        "accepted": {
            "lines": campaign.accepted_lines,
            "files": _files(connection, campaign),
        },
        "totals": _sums(tally for (_, state), tally in counts.items() if state is not State.REVOKED)
        | {"lines": campaign.accepted_lines},
        "revoked": _sums(tally for (_, state), tally in counts.items() if state is State.REVOKED),
        "states": _states(counts),
        "rewards": _rewards(counts),
        "verification": _verification(connection, campaign, comparison),
        "approvals": _approvals(connection, campaign),
        "stops": _stops(connection, campaign),
        "pauses": _pauses(acts),
        "massActions": _mass_actions(connection, campaign),
        "letterActs": _letter_acts(connection, campaign),
        "lineActs": _line_acts(connection, campaign),
        "acceptances": _acceptances(connection, campaign),
        "acts": acts,
    }


def _time(milliseconds: int | None) -> str | None:
    found = instant(milliseconds)
    return None if found is None else f"{found:%Y-%m-%dT%H:%M:%S}.{found.microsecond // 1000:03d}Z"


def _last_settled(connection: Connection, campaign: Campaign) -> int | None:
    """Return when its last job was settled: earlier versions kept no time of the end."""
    query = select(func.max(jobs.c.settled_at)).where(jobs.c.campaign_id == campaign.id)
    found: int | None = connection.scalar(query)
    return found


def _settings(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: row[column] for name, column in _SETTINGS.items() if row[column] is not None}
    for name, column in _SETTINGS.items():
        if name in found and column in _TIMES:
            found[name] = _time(row[column])
        elif name in found and column in _POINTS:
            found[name] = points_text(row[column])
    return found


def _moment(connection: Connection, closed_at: int) -> dict[str, Any]:
    """Return which ledger this is: its audit log is a chain, so its last entry names all of it."""
    head = connection.execute(select(audit_head.c.entries, audit_head.c.mac)).one_or_none()
    return {
        "at": _time(closed_at),
        "schema": REVISION,
        "auditEntries": 0 if head is None else head.entries,
        "auditChain": "" if head is None else bytes(head.mac).hex(),
    }


def _files(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    query = select(intakes).where(intakes.c.campaign_id == campaign.id).order_by(intakes.c.id)
    return [
        {
            "source": row.source,
            "accepted": row.accepted,
            "known": row.known,
            "refused": row.refused,
            "startedAt": _time(row.started_at),
            "finishedAt": _time(row.finished_at),
        }
        for row in connection.execute(query)
    ]


def _sums(tallies: Any) -> dict[str, Any]:
    found = sum(tallies, start=Tally())
    return {"lines": found.lines, "units": found.units, "points": points_text(found.points)}


def _states(counts: RewardTallies) -> list[dict[str, Any]]:
    return [
        {"state": state.value} | _sums(tallies)
        for state in State
        if (tallies := [tally for (_, of), tally in counts.items() if of is state and tally.lines])
    ]


def _rewards(counts: RewardTallies) -> list[dict[str, Any]]:
    return [
        {
            "reward": reward,
            **_sums(
                tally
                for (of, state), tally in counts.items()
                if of == reward and state is not State.REVOKED
            ),
            "states": _states({key: tally for key, tally in counts.items() if key[0] == reward}),
        }
        for reward in sorted({reward for (reward, _), tally in counts.items() if tally.lines})
    ]


def _verification(
    connection: Connection, campaign: Campaign, comparison: Comparison
) -> dict[str, Any]:
    left_out = {
        "neverSent": _count(connection, campaign, lines.c.state == State.CANCELLED),
        "pruned": count_pruned(connection, campaign.id),
    }
    if comparison.mode is Mode.NONE:
        return {"mode": Mode.NONE.value, "leftOut": left_out}
    times = connection.execute(
        select(verifications.c.started_at, verifications.c.finished_at).where(
            verifications.c.id == comparison.id
        )
    ).one()
    left_out["erased"] = campaign.accepted_lines - comparison.population - sum(left_out.values())
    return {
        **compared_facts(connection, comparison),
        "leftOut": left_out,
        "seed": comparison.seed,
        "startedAt": _time(times.started_at),
        "finishedAt": _time(times.finished_at),
    }


def compared_facts(connection: Connection, comparison: Comparison) -> dict[str, Any]:
    """Return what a comparison showed, with its first findings."""
    return {
        "mode": comparison.mode.value,
        "lines": comparison.population,
        "compared": comparison.checked,
        "differing": comparison.differing,
        "mostDiffering": most_differing(
            comparison.population, comparison.checked, comparison.differing
        ),
        "confidencePercent": CONFIDENCE_PERCENT,
        "findings": _findings(connection, comparison),
        "findingsByKind": _kinds(connection, comparison),
    }


def _count(connection: Connection, campaign: Campaign, condition: Any) -> int:
    query = (
        select(func.count())
        .select_from(lines.join(jobs, jobs.c.number == lines.c.job_number))
        .where(lines.c.campaign_id == campaign.id, condition)
    )
    return connection.scalar(query) or 0


def _open_findings(comparison: Comparison) -> tuple[Any, Any]:
    return findings.c.verification_id == comparison.id, findings.c.resolved_at.is_(None)


def _kinds(connection: Connection, comparison: Comparison) -> dict[str, int]:
    query = (
        select(findings.c.kind, func.count().label("lines"))
        .where(*_open_findings(comparison))
        .group_by(findings.c.kind)
    )
    return {row.kind: row.lines for row in connection.execute(query)}


def _findings(connection: Connection, comparison: Comparison) -> list[dict[str, Any]]:
    query = (
        select(findings)
        .where(*_open_findings(comparison))
        .order_by(findings.c.request_id, findings.c.id)
        .limit(FINDINGS_LISTED)
    )
    return [
        {
            "requestId": row.request_id,
            "kind": row.kind,
            "ledgerUnits": row.ledger_units,
            "apiUnits": row.api_units,
            "transactions": row.transaction_ids.split(),
        }
        for row in connection.execute(query)
    ]


def _approvals(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    query = select(approvals).where(approvals.c.campaign_id == campaign.id).order_by(approvals.c.id)
    return [
        {
            "digest": row.digest,
            "submittedAt": _time(row.submitted_at),
            "submittedBy": row.submitted_by,
            "submitNote": row.submit_note,
            "decidedAt": _time(row.decided_at),
            "decidedBy": row.decided_by,
            "decision": row.decision,
            "note": row.note,
        }
        for row in connection.execute(query)
    ]


def _stops(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    query = (
        select(campaign_stops)
        .where(campaign_stops.c.campaign_id == campaign.id)
        .order_by(campaign_stops.c.id)
    )
    return [
        {
            "at": _time(row.at),
            "cause": row.cause,
            "reward": row.reward,
            "resolvedAt": _time(row.resolved_at),
            "resolvedBy": row.resolved_by,
            "resolution": row.resolution,
        }
        for row in connection.execute(query)
    ]


def _mass_actions(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    query = (
        select(bulk_actions)
        .where(bulk_actions.c.campaign_id == campaign.id, bulk_actions.c.started_at.is_not(None))
        .order_by(bulk_actions.c.id)
    )
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "state": row.state,
            "counts": row.counts,
            "digest": row.digest,
            "note": row.note,
            "startedAt": _time(row.started_at),
            "startedBy": row.started_by,
            "finishedAt": _time(row.finished_at),
        }
        for row in connection.execute(query)
    ]


_GROUPED = (audit_log.c.verb, audit_log.c.subject, audit_log.c.reason)
_COUNTED = (*_GROUPED, func.count(), func.min(audit_log.c.at), func.max(audit_log.c.at))


def _letter_acts(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    query = (
        select(*_COUNTED)
        .select_from(
            dead_letters.join(
                audit_log,
                audit_log.c.target == literal("letter:") + cast(dead_letters.c.id, Text),
            )
        )
        .where(dead_letters.c.campaign_id == campaign.id)
        .group_by(*_GROUPED)
    )
    return _grouped(connection.execute(query).all())


def _line_acts(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    # From the audit log's side: acts on lines are few, and a campaign's lines may be a million.
    of_lines = audit_log.c.target.startswith(LINE, autoescape=True)
    query = (
        select(*_COUNTED)
        .select_from(
            audit_log.join(
                lines, lines.c.request_id == func.substr(audit_log.c.target, len(LINE) + 1)
            )
        )
        .where(of_lines, lines.c.campaign_id == campaign.id)
        .group_by(*_GROUPED)
    )
    return _grouped(connection.execute(query).all())


def _acceptances(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    """Return who gave rows: services may have done so a million times."""
    query = (
        select(*_COUNTED)
        .where(audit_log.c.target == campaign_target(campaign.name), audit_log.c.verb == _GIVEN)
        .group_by(*_GROUPED)
    )
    return _grouped(connection.execute(query).all())


def _grouped(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "verb": verb,
            "by": subject,
            "reason": reason,
            "count": count,
            "first": _time(first),
            "last": _time(last),
        }
        for verb, subject, reason, count, first, last in sorted(
            map(tuple, rows), key=lambda row: (row[4], row[:3])
        )
    ]


def _acts(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    query = (
        select(*ENTRY)
        .where(
            audit_log.c.target == campaign_target(campaign.name),
            audit_log.c.verb != _GIVEN,
        )
        .order_by(audit_log.c.id)
    )
    entries = [entry_of(row) for row in connection.execute(query)]
    return [
        {
            "entry": entry.id,
            "at": _time(round(entry.at.timestamp() * 1000)),
            "by": entry.subject,
            "host": entry.host,
            "way": entry.way,
            "claimed": entry.claimed,
            "verb": entry.verb,
            "before": entry.before,
            "after": entry.after,
            "reason": entry.reason,
        }
        for entry in entries
    ]


def _pauses(acts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the times in which a person had paused it, with the act that ended each."""
    found: list[dict[str, Any]] = []
    for act in acts:
        is_open = bool(found) and found[-1]["until"] is None
        if act["verb"] == "pause" and not is_open:
            found.append(
                {
                    "since": act["at"],
                    "by": act["by"],
                    "reason": act["reason"],
                    "until": None,
                    "endedBy": None,
                }
            )
        elif act["verb"] in _ENDS_PAUSE and is_open:
            found[-1] |= {"until": act["at"], "endedBy": act["by"]}
    return found


_ENDS_PAUSE = ("resume", "cancel")
