"""Which codes kept a campaign's lines from being issued, what they mean, and what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from issuance.outcome import Reason
from issuance.plain_words import reason
from issuance.redrive.rules import Case, advice
from issuance.replies.codes import Verdict, find_code
from issuance.states import CampaignState, DeadLetterState, State
from ledger.campaigns import Campaign, find_in
from ledger.queries.counters import counted_lines
from ledger.queries.sampled_codes import CodeCount, count_codes
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject

_STATES = (State.FAILED, State.PARTIAL, State.IN_DOUBT)
_REASONS: Mapping[Verdict, Reason] = {
    Verdict.ISSUED: Reason.FAILED,
    Verdict.PARTIAL: Reason.PARTIAL,
    Verdict.REFUSED: Reason.FAILED,
    Verdict.LIMIT: Reason.LIMIT,
    Verdict.CONFIG: Reason.CONFIG,
    Verdict.TRANSIENT: Reason.EXHAUSTED,
    Verdict.RECHECK: Reason.EXHAUSTED,
    Verdict.UNKNOWN: Reason.UNKNOWN_CODE,
}
"""Of refused lines, by what their code says."""


@dataclass(frozen=True, slots=True)
class CodeLines:
    """The lines of one state and code."""

    state: State
    code: int | None
    """None: there was no answer with a code."""
    meaning: str
    lines: int
    remedy: str


@dataclass(frozen=True, slots=True)
class CodeMix:
    """The lines that were not issued in full, by code."""

    codes: Sequence[CodeLines]
    """The most lines first."""
    total: int
    """All such lines that are in the ledger; pruned lines have no code any more."""

    @property
    def counted(self) -> int:
        """The lines that were counted: of a state with very many, only the first ones."""
        return sum(each.lines for each in self.codes)


@needs(Right.VIEW)
def read_code_mix(subject: Subject, ledger: Ledger, name: str) -> CodeMix:
    """Count lines that were not issued in full by code, at most `MOST_LINES` of a state.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        found = {state: count_codes(connection, campaign.id, state) for state in _STATES}
        counters = counted_lines(connection, campaign.id)
    total = sum(tally.lines for (_, state), tally in counters.items() if state in _STATES)
    codes = [each for state in _STATES for each in _described(campaign, state, found[state])]
    return CodeMix(sorted(codes, key=lambda each: -each.lines), total)


def _described(campaign: Campaign, state: State, found: Sequence[CodeCount]) -> Iterator[CodeLines]:
    for code, message, lines in found:
        yield CodeLines(
            state,
            code,
            reason(state, code, message),
            lines,
            advice(
                Case(
                    DeadLetterState.OPEN,
                    _reason(state, code, message),
                    campaign.name,
                    campaign_cancelled=campaign.state is CampaignState.CANCELLED,
                    campaign_closed=campaign.state is CampaignState.CLOSED,
                )
            ),
        )


def _reason(state: State, code: int | None, message: str) -> Reason:
    if state is State.PARTIAL:
        return Reason.PARTIAL
    if state is State.IN_DOUBT:
        return Reason.IN_DOUBT
    return Reason.EXHAUSTED if code is None else _REASONS[find_code(code, message).verdict]
