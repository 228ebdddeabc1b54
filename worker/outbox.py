"""Publishes notices of dead letters, after these are in the ledger: a bounded number of messages.

Each campaign and reason has a number of single notices for each minute. The rest of a flood is
summarised: one notice for each campaign and reason of a round. While the queue is full, or the
webhook is suspended, dead letters wait in the ledger.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog
from celery import Celery
from sqlalchemy.exc import DBAPIError

from broker.publisher import BrokerAway, PublishRefused, publish
from broker.queue_length import queue_length
from broker.queues import DEAD_LETTER_QUEUE, DEAD_LETTER_TASK
from ledger.budgets.notices import mark_notices, unpublished_notices
from ledger.dead_letters.outbox import (
    GROUP_MOST,
    LetterRange,
    Unpublished,
    mark_published,
    unpublished,
)
from ledger.store.database import Ledger
from limiter.notice_allowance import Group, NoticeAllowance
from limiter.webhook_breaker import Suspension
from worker.ledger_retry import first_line
from worker.notices import MESSAGE_MOST, Notices

log = structlog.get_logger("issuance.dead_letters")

QUEUE_MOST = 500
"""Messages on the queue from which on no process adds one."""
FEW = 500
"""Dead letters that a round of the release reads to see whether there are many."""
_SHOWN_IDS = 10


class Suspendable(Protocol):
    """A webhook that may be suspended."""

    def suspension(self) -> Suspension | None:
        """Return the suspension; None while it may be called."""


@dataclass(frozen=True, slots=True)
class _Message:
    notices: Notices
    letters: list[Unpublished]
    """Those that its notices report."""
    text: str
    """What Flower shows."""


@dataclass(frozen=True)
class Outbox:
    """Publishes the notices of one process.

    The process that opens dead letters publishes their single notices; the release publishes what
    is left, and summaries. A process that dies between publishing and recording that causes a
    second message, which the handler must accept. An unavailable broker or ledger is logged, not
    raised.

    Attributes:
        app: the Celery application.
        ledger: the record.
        allowance: how many single notices there may be.
        webhook: what the handler calls; None: it only logs.
    """

    app: Celery
    ledger: Ledger
    allowance: NoticeAllowance
    webhook: Suspendable | None = None

    def publish_own(self, job_numbers: Sequence[int]) -> int:
        """Publish single notices of these jobs' dead letters; return of how many."""
        return _logged(lambda: self._publish_own(job_numbers))

    def publish_left(self, *, older_than_seconds: float) -> int:
        """Publish notices of what is left, and summaries; return of how many dead letters.

        One call publishes 10,000 of them at most. While the webhook is suspended it publishes
        none, so that they are summarised later.

        Args:
            older_than_seconds: only those that were opened at least this long ago: the worker that
                opened a younger one publishes it.
        """
        if self.webhook is not None and self.webhook.suspension() is not None:
            return 0
        return _logged(lambda: self._publish_left(older_than_seconds))

    def publish_budgets(self) -> int:
        """Publish notices of budgets, not while the webhook is suspended; return how many."""
        return _logged(self._publish_budgets)

    def _publish_budgets(self) -> int:
        notices = unpublished_notices(self.ledger)
        if not notices or queue_length(self.app, DEAD_LETTER_QUEUE) >= QUEUE_MOST:
            return 0
        if self.webhook is not None and self.webhook.suspension() is not None:
            return 0
        ids = tuple(notice.id for notice in notices)
        text = f"budget notices {', '.join(map(str, ids[:_SHOWN_IDS]))}"
        self._send(_Message(Notices(budget_notices=ids), [], text))
        mark_notices(self.ledger, notices)
        return len(notices)

    def _publish_own(self, job_numbers: Sequence[int]) -> int:
        letters = unpublished(self.ledger, job_numbers=job_numbers)
        room = self._room(letters)
        if room <= 0:
            return 0
        singles, _ = self._divide(letters)
        return self._publish(list(_notify_singly(singles)), room)

    def _publish_left(self, older_than_seconds: float) -> int:
        find = partial(unpublished, self.ledger, older_than_seconds=older_than_seconds)
        letters = find(FEW)
        room = self._room(letters)
        if room <= 0:
            return 0
        summarises = len(letters) == FEW and self.allowance.may_summarise()
        if summarises:
            letters = find(GROUP_MOST)
            if len(letters) == GROUP_MOST:
                self.allowance.summarise_again()
        singles, rest = self._divide(letters)
        messages = list(_notify_singly(singles))
        # Of many that must wait for their summary, a round reads only a few.
        if rest and (summarises or (len(letters) < FEW and self.allowance.may_summarise())):
            messages += _summarise(rest)
        return self._publish(messages, room)

    def _room(self, letters: list[Unpublished]) -> int:
        """Return how many messages may be added; 0 if there is nothing to publish."""
        if not letters:
            return 0
        room = QUEUE_MOST - queue_length(self.app, DEAD_LETTER_QUEUE)
        if room <= 0:
            log.debug("dead_letters_held", count=len(letters))
        return room

    def _publish(self, messages: list[_Message], room: int) -> int:
        for message in messages[:room]:
            self._send(message)
            mark_published(self.ledger, message.letters)
        return sum(len(message.letters) for message in messages[:room])

    def _divide(self, letters: list[Unpublished]) -> tuple[list[Unpublished], list[Unpublished]]:
        """Return the letters that may have notices of their own, the oldest, and the others."""
        allowed = self.allowance.take(Counter(map(_group, letters)))
        singles: list[Unpublished] = []
        rest: list[Unpublished] = []
        for letter in letters:
            left = allowed.get(_group(letter), 0)
            allowed[_group(letter)] = left - 1
            (singles if left > 0 else rest).append(letter)
        return singles, rest

    def _send(self, message: _Message) -> None:
        publish(
            self.app,
            DEAD_LETTER_TASK,
            kwargs=message.notices.as_message(),
            argsrepr=message.text,
            kwargsrepr="{}",
        )


def _logged(publishing: Callable[[], int]) -> int:
    try:
        return publishing()
    except (BrokerAway, PublishRefused) as error:
        log.warning("dead_letters_unpublished", error=str(error))
    except DBAPIError as error:
        log.warning("ledger_unavailable", error=first_line(error))
    return 0


def _group(letter: Unpublished) -> Group:
    return letter.campaign_id, letter.reason


def _notify_singly(letters: list[Unpublished]) -> Iterator[_Message]:
    for start in range(0, len(letters), MESSAGE_MOST):
        some = letters[start : start + MESSAGE_MOST]
        ids = tuple(letter.letter_id for letter in some)
        shown = ", ".join(map(str, ids[:_SHOWN_IDS]))
        more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
        yield _Message(Notices(letter_ids=ids), some, f"dead letters {shown}{more}")


def _summarise(letters: list[Unpublished]) -> Iterator[_Message]:
    groups: defaultdict[Group, list[Unpublished]] = defaultdict(list)
    for letter in letters:
        groups[_group(letter)].append(letter)
    found = list(groups.values())
    for start in range(0, len(found), MESSAGE_MOST):
        some = found[start : start + MESSAGE_MOST]
        meant = [letter for group in some for letter in group]
        text = f"summary of {len(meant)} dead letters, {len(some)} campaigns and reasons"
        yield _Message(Notices(ranges=tuple(map(_range_of, some))), meant, text)


def _range_of(letters: list[Unpublished]) -> LetterRange:
    first, last = letters[0], letters[-1]
    return LetterRange(
        first.campaign_id, first.reason, first.letter_id, last.letter_id, since=first.read_at
    )
