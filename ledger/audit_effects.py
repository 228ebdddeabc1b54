"""Recording of acts whose effect is not a change of the ledger: limits, exports, revealing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ledger.audit_log import Operator, record_action
from ledger.store.database import Ledger


@dataclass(slots=True)
class Outcome:
    """The outcome of an act, which it fills in."""

    text: str


@contextmanager
def recorded(
    ledger: Ledger, operator: Operator, *, verb: str, target: str, before: str = "", after: str
) -> Iterator[Outcome]:
    """Record an act whose effect is not in the ledger: before it, and its outcome after it.

    An entry without an outcome means that the process ended in between, or lost the ledger.

    Args:
        ledger: the record.
        operator: the operator and the reason.
        verb: the act; its outcome is `VERB done` or `VERB failed`.
        target: as for `record_action`.
        before: the state or limit before it.
        after: the state or limit that is wanted.
    """
    outcome = Outcome(after)
    _write(ledger, operator, verb, target, before, after)
    try:
        yield outcome
    except BaseException as error:
        _write(ledger, operator, f"{verb} failed", target, before, type(error).__name__)
        raise
    _write(ledger, operator, f"{verb} done", target, before, outcome.text)


def _write(  # noqa: PLR0917  # the columns of an entry
    ledger: Ledger, operator: Operator, verb: str, target: str, before: str, after: str
) -> None:
    with ledger.write() as connection:
        record_action(connection, operator, verb=verb, target=target, before=before, after=after)


def record_act(
    ledger: Ledger, operator: Operator, verb: str, target: str, *, after: str = ""
) -> None:
    """Record an act that changes nothing in the ledger but this entry, such as a login."""
    _write(ledger, operator, verb, target, "", after)


def record_reveal(ledger: Ledger, operator: Operator, target: str) -> None:
    """Record that customers and vouchers are about to be shown in the clear."""
    _write(ledger, operator, "reveal", target, "", "in the clear")


def record_export(
    ledger: Ledger, operator: Operator, target: str, *, form: str, reveal: bool
) -> None:
    """Record that outcomes are about to be exported."""
    _write(ledger, operator, "export", target, "", f"{form}, {_SHOWN[reveal]}")


_SHOWN = {True: "in the clear", False: "masked"}
