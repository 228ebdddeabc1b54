"""Two operators in separate processes: each dead letter is redriven or discarded once."""

import json
import subprocess
import sys

import pytest

from issuance.retry import RetryPolicy
from issuance.states import State
from tests.contract.ledger.build import TIMEOUT, judge, make_jobs, refuse

_LETTERS = 120
_OPERATOR = """
import json, sys
from issuance.redrive.rules import Verb
from ledger.audit_log import Operator
from ledger.store.database import Ledger
from ledger.dead_letters.browse import DeadLetterFilter
from tests.redriving import discard, redrive
url, verb, name = sys.argv[1:]
with Ledger(url) as ledger:
    with ledger.read():
        print("ready", flush=True)
        sys.stdin.readline()
    everything, operator = DeadLetterFilter(campaign="diwali"), Operator(name)
    done = discard(ledger, everything, operator) if verb == "discard" else redrive(
        ledger, everything, Verb(verb), operator
    )
    print(json.dumps(done.done))
"""


@pytest.fixture
def letters(desk, request):
    """Make open dead letters of one kind."""
    desk.accept(*make_jobs(_LETTERS))
    held = desk.take()
    desk.record(
        held, *(judge(job, request.param, policy=RetryPolicy(max_attempts=1)) for job in held.jobs)
    )
    return desk


def _at_once(ledger, *verbs):
    """Carry out each verb on all dead letters in its own process, at the same moment."""
    url = ledger.engine.url.render_as_string(hide_password=False)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _OPERATOR, url]
    operators = [
        subprocess.Popen([*command, verb, f"operator {place}"], stdin=pipe, stdout=pipe, text=True)
        for place, verb in enumerate(verbs)
    ]
    for operator in operators:
        assert operator.stdout.readline() == "ready\n"
    for operator in operators:
        operator.stdin.write("go\n")
        operator.stdin.flush()
    told = [operator.communicate(timeout=60)[0].splitlines()[-1] for operator in operators]
    return [json.loads(line) for line in told]


@pytest.mark.parametrize(
    ("letters", "verbs", "waiting"),
    [
        (TIMEOUT, ("resend", "resend"), {State.WAITING: _LETTERS}),
        (refuse(), ("reissue", "reissue"), {State.REPLACED: _LETTERS, State.WAITING: _LETTERS}),
    ],
    ids=["resend", "reissue"],
    indirect=["letters"],
)
def test_two_processes_redrive_every_dead_letter_once(letters, verbs, waiting):
    first, second = _at_once(letters.ledger, *verbs)
    assert sorted(first + second) == [letter.id for letter in letters.letters()]
    assert letters.counts() == waiting


@pytest.mark.parametrize("letters", [refuse()], indirect=True)
def test_a_dead_letter_is_either_discarded_or_reissued(letters):
    discarded, reissued = _at_once(letters.ledger, "discard", "reissue")
    states = {letter.id: letter.state for letter in letters.letters()}
    assert states == dict.fromkeys(discarded, "discarded") | dict.fromkeys(reissued, "redriven")
    assert letters.counts().get(State.WAITING, 0) == len(reissued)
