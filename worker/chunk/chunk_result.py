"""A task's result as Flower shows it: a chunk's jobs, counted by what their calls led to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from issuance.retry import Reconcile, Settle, TryAgain
from issuance.states import SETTLED
from ledger.results.attempts import GiveBack, Result

_RETRIED = "retried"
_TO_RECONCILE = "to reconcile"
_GIVEN_BACK = "given back"
_WORDS = (*(state.replace("_", " ") for state in SETTLED), _RETRIED, _TO_RECONCILE, _GIVEN_BACK)


@dataclass(frozen=True, slots=True, repr=False)
class ChunkResult:
    """The jobs of a chunk, counted. Celery puts the `repr` into the event of the task's success.

    No result backend stores it. It holds numbers only (design rule 5).
    """

    claimed: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """Recorded results by word; the rest of the claimed jobs have open calls."""

    def __repr__(self) -> str:
        """Show the counts, for example `issued 23 · partial 1 · failed 1 · retried 2`."""
        parts = [f"{word} {self.counts[word]}" for word in _WORDS if self.counts.get(word)]
        if left := self.claimed - sum(self.counts.values()):
            parts.append(f"open {left}")
        return " · ".join(parts) or "nothing to do"


def count_results(results: Iterable[Result]) -> Counter[str]:
    """Count jobs by the word for their result."""
    return Counter(map(_word, results))


def _word(result: Result) -> str:
    if isinstance(result, GiveBack):
        return _GIVEN_BACK
    match result.decision:
        case Settle(state=state):
            return state.replace("_", " ")
        case TryAgain():
            return _RETRIED
        case Reconcile():
            return _TO_RECONCILE
        case unreachable:
            assert_never(unreachable)
