"""Dead letters: the alarm of each, and the two ways to redrive one."""

import json
import signal
from typing import Any

import pytest

from issuance.states import State
from ledger.dead_letters.browse import (
    DeadLetter,
    DeadLetterFilter,
    list_dead_letters,
    show_dead_letter,
)
from ledger.dead_letters.outbox import unpublished
from ledger.queries.outcomes import find_line
from tests.e2e.processes import await_that
from tests.e2e.system import System
from tests.e2e.webhook import Webhook

_QUEUE_KEY = "issuance:issuance.dead_letters"  # key prefix and queue name
_RETRY_BUDGET = 6


def _rows(area: int, *endings: str) -> list[dict[str, object]]:
    return [{"mobile": f"9197{area:04d}{ending}", "rewardId": 1001} for ending in endings]


def _alarms(system: System, webhook: Webhook, campaign: str) -> tuple[list[Any], list[Any]]:
    """The ids of the letters that the handler logged, and of those it posted."""
    logged = [
        event
        for event in system.events("dead-letters", "dead_letter_alert")
        if event["campaign"] == campaign
    ]
    posted = [notice for notice in webhook.posted if notice["campaign"] == campaign]
    return sorted(event["letter_id"] for event in logged), sorted(
        notice["letter_id"] for notice in posted
    )


def _all_published(system: System, campaign: str, count: int) -> bool:
    ids = {letter.id for letter in _letters(system, campaign)}
    left = {letter.letter_id for letter in unpublished(system.ledger)}
    return len(ids) == count and not ids & left


def _letters(system: System, campaign: str, state: str | None = "open") -> list[DeadLetter]:
    return list(list_dead_letters(system.ledger, DeadLetterFilter(campaign=campaign, state=state)))


def test_each_dead_letter_raises_one_alarm_with_ids_and_nothing_personal(
    shared: System, webhook: Webhook
):
    shared.accept("alarming", _rows(40, "9102", "9103", "9110", "9111"))
    shared.wait_settled("alarming")
    ids = [letter.id for letter in _letters(shared, "alarming")]
    assert len(ids) == 4
    await_that("all alarms are raised", lambda: len(_alarms(shared, webhook, "alarming")[1]) >= 4)
    assert _alarms(shared, webhook, "alarming") == (ids, ids)
    fields = {field for notice in webhook.posted for field in notice}
    assert fields == {"letter_id", "opening", "request_id", "campaign", "reason", "code"}


def test_alarms_wait_in_their_queue_while_the_handler_is_stopped(shared: System, webhook: Webhook):
    handler = shared.processes.kill("dead-letters", signal.SIGSTOP)
    try:
        shared.accept("unheard", _rows(41, "9102", "9103", "9105", "9106", "9110"))
        shared.wait_settled("unheard")
        # Several notices may share a message, and the handler may have fetched one before.
        await_that("the notices are published", lambda: _all_published(shared, "unheard", 5))
        assert _alarms(shared, webhook, "unheard") == ([], [])
    finally:
        handler.send_signal(signal.SIGCONT)
    ids = [letter.id for letter in _letters(shared, "unheard")]
    await_that("all alarms are raised", lambda: len(_alarms(shared, webhook, "unheard")[1]) >= 5)
    assert _alarms(shared, webhook, "unheard") == (ids, ids)
    assert shared.redis.llen(_QUEUE_KEY) == 0


@pytest.fixture(scope="module")
def redriven(shared: System) -> System:
    """Two letters: one in doubt after gateway errors, one refused for its reward."""
    doubted, refused = (f"9198042{number:05d}" for number in range(2))
    faults = {
        doubted: ["502_html"] * _RETRY_BUDGET,
        refused: [{"kind": "outcome", "code": 8003}],
    }
    shared.plan_faults({"customers": faults})
    shared.accept(
        "redriven", [{"mobile": mobile, "rewardId": 1001} for mobile in (doubted, refused)]
    )
    shared.wait_settled("redriven")
    return shared


def _letter_in(system: System, state: State) -> DeadLetter:
    lines = {line.request_id: line.state for line in system.lines("redriven")}
    [letter] = [
        letter for letter in _letters(system, "redriven", None) if lines[letter.job_id] is state
    ]
    return letter


def test_the_wrong_way_to_redrive_a_letter_is_refused_with_the_reason(redriven: System):
    doubted, refused = _letter_in(redriven, State.IN_DOUBT), _letter_in(redriven, State.FAILED)
    reissue = redriven.command(
        "dead-letters", "redrive", str(doubted.id), "--reissue", "--note", "it never came"
    )
    resend = redriven.command("dead-letters", "redrive", str(refused.id))
    assert (reissue.returncode, "could issue twice" in reissue.stderr) == (2, True)
    assert (resend.returncode, "burns the requestId" in resend.stderr) == (2, True)
    assert [letter.state for letter in _letters(redriven, "redriven")] == ["open", "open"]


def test_a_resent_letter_in_doubt_closes_as_issued_under_its_old_request_id(redriven: System):
    doubted = _letter_in(redriven, State.IN_DOUBT)
    resent = redriven.command("dead-letters", "redrive", str(doubted.id), ISSUANCE_LOG_LEVEL="INFO")
    assert resent.returncode == 0, resent.stderr
    redriven.wait_settled("redriven")
    line = find_line(redriven.ledger, doubted.job_id)
    assert line is not None
    assert line.state is State.ISSUED
    assert show_dead_letter(redriven.ledger, doubted.id).letter.state == "closed"
    assert redriven.truth()[doubted.job_id]["issued"] == 1
    story = _grep(doubted.job_id, redriven.log_text() + resent.stderr)
    events = [event["event"] for event in story]
    attempts = [event for event in story if event["event"] == "attempt_recorded"]
    assert [event["outcome"] for event in attempts][:_RETRY_BUDGET] == ["in_doubt"] * _RETRY_BUDGET
    assert (attempts[-1]["outcome"], attempts[-1]["redrives"]) == ("issued", 1)
    milestones = [
        "dead_letter_opened",
        "dead_letter_alert",
        "dead_letter_resent",
        "dead_letter_closed",
    ]
    assert [event for event in dict.fromkeys(events) if event in milestones] == milestones


def _grep(request_id: str, text: str) -> list[dict[str, Any]]:
    """The log entries with a requestId, in order of time."""
    found = [
        json.loads(line)
        for line in text.splitlines()
        if request_id in line and line.startswith("{")
    ]
    return sorted(found, key=lambda event: event["timestamp"])


def test_a_reissued_refusal_is_issued_once_under_a_new_request_id(redriven: System):
    refused = _letter_in(redriven, State.FAILED)
    reissued = redriven.command(
        "dead-letters", "redrive", str(refused.id), "--reissue", ISSUANCE_LOG_LEVEL="INFO"
    )
    assert reissued.returncode == 0, reissued.stderr
    redriven.wait_settled("redriven")
    successor = show_dead_letter(redriven.ledger, refused.id).letter.reissued_as
    assert successor not in (None, refused.job_id)
    truth = redriven.truth()
    assert (truth[refused.job_id]["issued"], truth[successor]["issued"]) == (0, 1)
    assert show_dead_letter(redriven.ledger, refused.id).letter.state == "closed"
    both = [
        event["event"]
        for event in _grep(refused.job_id, redriven.log_text() + reissued.stderr)
        if successor in str(event)
    ]
    assert both == ["dead_letter_reissued", "attempt_recorded"]
