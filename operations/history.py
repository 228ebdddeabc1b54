"""History for operators: each act in one plain sentence, with person, time and reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ledger.audit_log import CAMPAIGN, LETTER, LINE, REDRIVE, AuditEntry
from ledger.campaigns import find_campaign
from ledger.queries.audit_entries import (
    AuditFilter,
    campaigns_of_targets,
    newest_entry,
    read_audit_page,
)
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import iso
from operations.history_sentences import BEGINNINGS, sentence

_PAGE = 500
MOST_ENTRIES = 2_000
"""Of a page that must come at once: an act on a million dead letters has a million entries."""
_TOGETHER = timedelta(minutes=1)
"""Entries of one act on many letters or lines follow each other at most this far apart."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act on one thing, or the same act on many at once."""

    newest: AuditEntry
    """Its last entry, which has the person, the verb and the reason."""
    oldest: AuditEntry
    count: int
    """How many things it was done to."""
    campaign: str | None
    """The campaign concerned; None: none, or its line or dead letter was pruned."""
    is_whole: bool = True
    """False: older entries of this act were not read."""

    @property
    def sentence(self) -> str:
        """What was done, without person, time and reason."""
        entry = self.newest
        verb = "accept one" if entry.verb == "accept" and self._is_line else entry.verb
        return sentence(verb, self._what(), entry.before, entry.after)

    @property
    def _is_line(self) -> bool:
        return self.newest.target.startswith(LINE)

    def _what(self) -> str:
        target = self.newest.target
        of = f" of {self.campaign}" if self.campaign else ""
        for prefix, noun in _NOUNS.items():
            if target.startswith(prefix):
                name = target.removeprefix(prefix)
                if self.count == 1:
                    return f"{noun} {name}{of}"
                first = self.oldest.target.removeprefix(prefix)
                count = f"{self.count:,}{'' if self.is_whole else ' or more'}"
                return f"{count} {noun}s{of} ({first} to {name})"
        kind, _, name = target.partition(":")
        if kind in _NAMED:
            return f"{kind} {name}"
        return _WHOLE.get(target) or target.removeprefix(CAMPAIGN)


_NOUNS = {LETTER: "dead letter", LINE: "reward", REDRIVE: "redrive"}
_NAMED = ("account", "user")
_WHOLE = {"customer": "a customer", "ledger": "the ledger", "audit log": "the audit log"}


@dataclass(frozen=True, slots=True)
class History:
    """A page of acts, the newest first."""

    acts: list[Act]
    before: int | None
    """Older ones are those before this id; None: there are none."""
    first: int
    """The oldest entry that was searched; 0: there is none."""
    last: int
    """The newest one."""
    total: int
    """The entries of the whole log."""


@needs(Right.VIEW)
def read_history(
    subject: Subject,
    ledger: Ledger,
    chosen: AuditFilter,
    *,
    limit: int,
    before: int | None = None,
    most_entries: int | None = None,
    most_searched: int | None = None,
) -> History:
    """Read a page of acts.

    The entry that began an act is left out if its outcome is on the same page.

    Args:
        subject: asks for it.
        ledger: the record.
        chosen: which acts; its campaign in any spelling.
        limit: how many acts at most, from 1.
        before: only acts with a smaller id; None: from the newest on.
        most_entries: the page ends after this many entries; an act on very many things continues on
            the next page. None: any number.
        most_searched: how many entries are searched for those that fit; older ones are searched
            from `before` of the page on. None: all.

    Raises:
        CampaignError: there is no such campaign.
    """
    if chosen.campaign is not None:
        chosen = replace(chosen, campaign=find_campaign(ledger, chosen.campaign).name)
    total = newest_entry(ledger)
    last = total if before is None else min(before - 1, total)
    floor = 0 if most_searched is None else max(0, last - most_searched)
    acts: list[Act] = []
    for act in _acts(ledger, replace(chosen, after_id=floor), before, most_entries):
        if len(acts) < limit:
            acts.append(act)
            if act.is_whole:
                continue
        oldest = acts[-1].oldest.id
        return History(acts, oldest, oldest, last, total)
    return History(acts, floor + 1 if floor else None, min(floor + 1, last), last, total)


def _acts(
    ledger: Ledger, chosen: AuditFilter, before: int | None, most_entries: int | None
) -> Iterator[Act]:
    """Join the entries of an act on many things, and leave out begun acts that have an outcome."""
    latest: Act | None = None
    ended: set[tuple[str, str, str]] = set()
    for place, (entry, campaign) in enumerate(_entries(ledger, chosen, before)):
        if latest is not None and most_entries is not None and place >= most_entries:
            yield replace(latest, is_whole=False)
            return
        if (key := (entry.subject, entry.target, entry.verb)) in ended:
            ended.remove(key)
            continue
        if (begun := BEGINNINGS.get(entry.verb)) is not None:
            ended.add((entry.subject, entry.target, begun))
        if latest is not None and _continues(latest, entry, campaign):
            latest = replace(latest, oldest=entry, count=latest.count + 1)
            continue
        if latest is not None:
            yield latest
        latest = Act(entry, entry, 1, campaign)
    if latest is not None:
        yield latest


def _entries(
    ledger: Ledger, chosen: AuditFilter, before: int | None
) -> Iterator[tuple[AuditEntry, str | None]]:
    has_more = True
    while has_more:
        page = read_audit_page(ledger, chosen, limit=_PAGE, before=before, count=False)
        named = campaigns_of_targets(ledger, {entry.target for entry in page.entries})
        for entry in page.entries:
            yield entry, named.get(entry.target)
        has_more = page.has_more
        before = page.entries[-1].id if page.entries else None


def _continues(act: Act, entry: AuditEntry, campaign: str | None) -> bool:
    """Whether an entry, older than an act, belongs to it."""
    is_many = entry.target.startswith(tuple(_NOUNS))
    return (
        is_many
        and act.campaign == campaign
        and _shared(act.newest) == _shared(entry)
        and act.oldest.at - entry.at <= _TOGETHER
    )


def _shared(entry: AuditEntry) -> Sequence[Any]:
    """What all entries of one act have in common."""
    kind = entry.target.partition(":")[0]
    who = (entry.subject, entry.uid, entry.host, entry.way, entry.claimed)
    return (*who, entry.verb, kind, entry.before, entry.after, entry.reason)


def history_json(history: History) -> dict[str, Any]:
    """Return a page of acts for programs; `before` asks for the next one, null after the last."""
    return {"acts": [_act_json(act) for act in history.acts], "before": history.before}


def _act_json(act: Act) -> dict[str, Any]:
    entry = act.newest
    return {
        "id": entry.id,
        "firstId": act.oldest.id,
        "at": iso(entry.at),
        "subject": entry.subject,
        "host": entry.host,
        "way": entry.way,
        "claimed": entry.claimed or None,
        "verb": entry.verb,
        "target": entry.target,
        "count": act.count,
        "campaign": act.campaign,
        "sentence": act.sentence,
        "reason": entry.reason or None,
    }
