"""The check of each component: it changes nothing, and its finding holds no personal data."""

import socket
import threading
from dataclasses import replace
from functools import partial

from redis.exceptions import ResponseError

from broker.nodes import Node
from broker.publisher import BrokerAway
from config.settings import SettingsError
from issuance.masking import scrub
from ledger.queries.heartbeats import Heartbeat, silent_seconds
from ledger.store.database import Ledger, require_ledger_file
from ledger.store.errors import LedgerError
from operations.formats import clock, counted, duration
from operations.health.account_checks import WORKER_OF, check_limits, check_progress
from operations.health.campaign_checks import check_campaigns
from operations.health.explained import explain
from operations.health.restart_notes import RESTARTED, note_restarts
from operations.health.runner import HEALTHY, Check, Component, Finding
from operations.health.suspension_checks import check_suspension
from operations.services import Services

_SILENT_SECONDS = 30.0
"""Heartbeats come every second; one that waits for a locked ledger may be this late."""
_ANSWER_SECONDS = (0.5, 3.0)
"""Timeouts of the first ping and of the second: a busy process answers between two tasks."""
_ANSWERING = frozenset({*WORKER_OF.values(), Component.DEAD_LETTERS})


def checks_of(context: Services, *, here: bool = False) -> dict[Component, Check]:
    """Return the check of each component.

    Args:
        context: the services to check.
        here: count only processes on this machine as answering.
    """
    roll_call = _RollCall(context, socket.gethostname() if here else None)
    answering = {part: partial(roll_call.check, part) for part in _ANSWERING}
    found: dict[Component, Check] = {
        Component.LEDGER: partial(_check_ledger, context),
        Component.BROKER: partial(_check_broker, context),
        Component.LIMITS: partial(check_limits, context),
        Component.ACCOUNT: partial(check_suspension, context, Component.ACCOUNT),
        Component.API: partial(check_suspension, context, Component.API),
        Component.CAMPAIGNS: partial(check_campaigns, context),
        Component.RELEASE: partial(_check_heartbeat, context, Heartbeat.RELEASE),
        Component.BEAT: partial(_check_heartbeat, context, Heartbeat.BEAT),
        Component.PROGRESS: partial(check_progress, context),
        **answering,
        Component.DEAD_LETTERS: lambda: _check_dead_letters(context, roll_call),
    }
    return found | {part: note_restarts(context, part, found[part]) for part in RESTARTED}


def _check_ledger(context: Services) -> Finding:
    try:
        require_ledger_file(context.servers.ledger_url)
        with context.connect_ledger() as ledger:
            ledger.check_schema()
    except (LedgerError, SettingsError) as error:
        return explain(error)
    return HEALTHY


def _check_broker(context: Services) -> Finding:
    if not context.servers.broker_url:
        return Finding(
            "none is configured and no embedded one runs",
            "set ISSUANCE_BROKER_URL, or run `issuance up`",
        )
    try:
        context.reach_broker()
    except BrokerAway as error:
        if isinstance(error.__cause__, ResponseError):
            return Finding(
                f"it answers and refuses to work ({scrub(str(error.__cause__))})",
                "end that state of the server of ISSUANCE_BROKER_URL, or correct the URL",
            )
        return Finding(
            f"it is out of reach ({type(error.__cause__).__name__})",
            "check that the server of ISSUANCE_BROKER_URL runs",
        )
    if refused := context.recent_refusal():
        return Finding(
            f"it refuses chunks ({scrub(refused)})",
            "correct the user's permissions or the server's limits; refused chunks are tried again "
            "every 30 s",
        )
    return HEALTHY


_REMEDY = {
    Heartbeat.RELEASE: (
        "start `issuance run release` and `issuance run beat`, or look at their logs"
    ),
    Heartbeat.BEAT: "start `issuance run beat`, or look at its log",
}


def _check_heartbeat(context: Services, which: Heartbeat) -> Finding:
    with Ledger(context.servers.ledger_url) as ledger:
        age = silent_seconds(ledger).get(which)
    # One from the future is as old as the step by which the database's clock was set back.
    silent = None if age is None else abs(age)
    name = "round of the release" if which is Heartbeat.RELEASE else "tick of beat"
    if silent is None:
        return Finding(f"there was never a {name}", _REMEDY[which])
    if silent > _SILENT_SECONDS:
        return Finding(f"there was no {name} for {duration(silent)}", _REMEDY[which])
    return HEALTHY


def _check_dead_letters(context: Services, roll_call: "_RollCall") -> Finding:
    found = roll_call.check(Component.DEAD_LETTERS)
    suspended = context.webhook_suspension()
    if suspended is None:
        return found
    # A note: a restart would not help, and the notices are sent when the webhook works again.
    since = f", the first at {clock(suspended.since)}" if suspended.since else ""
    note = (
        f"the webhook of dead letters is suspended for another {duration(suspended.seconds)}: "
        f"{counted(suspended.failures, 'call')} in a row failed{since} ({scrub(suspended.error)})"
    )
    return replace(found, notes=(note,))


class _RollCall:
    """The processes that answer a ping, which is sent once for all checks.

    Args:
        context: the services whose broker is used.
        host: count only processes on this machine; None: on any.
    """

    def __init__(self, context: Services, host: str | None) -> None:
        self._context = context
        self._host = host
        self._lock = threading.Lock()
        self._called: tuple[frozenset[Component], tuple[str, ...]] | None = None

    def check(self, part: Component) -> Finding:
        """Examine one kind of process."""
        with self._lock:
            if self._called is None:
                self._called = self._call()
        present, missing = self._called
        remedy = f"start `issuance run {part}`, or look at its log"
        if part not in present:
            where = f" on {self._host}" if self._host else ""
            return Finding(f"no such process answers{where}", remedy)
        if lost := [node for node in missing if Node.read(node).process == part]:
            return Finding(f"{', '.join(lost)} hangs, or ended without being stopped", remedy)
        return HEALTHY

    def _call(self) -> tuple[frozenset[Component], tuple[str, ...]]:
        """Ping; return the kinds of processes that answer, and the known nodes that do not."""
        known = {node for node in self._context.known_nodes() if self._is_meant(node)}
        known = {node for node in known if Node.read(node).process in _ANSWERING}
        answered: set[str] = set()
        present: frozenset[Component] = frozenset()
        for seconds in _ANSWER_SECONDS:
            answered |= self._context.answering_workers(within_seconds=seconds)
            kinds = {Node.read(node).process for node in answered if self._is_meant(node)}
            present = frozenset(part for part in _ANSWERING if part in kinds)
            if present == _ANSWERING and known <= answered:
                break
        return present, tuple(sorted(known - answered))

    def _is_meant(self, node: str) -> bool:
        return self._host in (None, Node.read(node).host)
