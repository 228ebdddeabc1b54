"""Restarts, which operators see for a day."""

import time
from types import SimpleNamespace

from fakeredis import FakeRedis, FakeServer

from broker.nodes import Nodes
from broker.restarts import NOT_STOPPED, Restart, Restarts
from console.local.restart_notes import RestartNotes
from operations.restarts import merge_restarts
from worker.presence import presence

NOW = time.time()


def _kill(process="worker", at=NOW, host="h"):
    return Restart(process, host, at, "killed by SIGKILL", at - 0.5)


def _own(process="worker", at=NOW + 2, host="h"):
    return Restart(process, host, at, NOT_STOPPED)


def _kept(server):
    return Restarts(lambda: FakeRedis(server=server, decode_responses=True))


def test_the_newest_restart_comes_first_and_those_of_other_days_are_left_out():
    restarts = _kept(FakeServer())
    for at in (NOW - 90_000, NOW - 60, NOW):
        restarts.keep(_kill(at=round(at, 3)))
    found = restarts.of_last_day()
    assert [each.at for each in found] == [round(NOW, 3), round(NOW - 60, 3)]
    assert found[0].cause == "killed by SIGKILL"
    assert found[0].ended_at == round(NOW - 0.5, 3)


def test_their_number_is_bounded():
    server = FakeServer()
    restarts = _kept(server)
    for _ in range(500):
        restarts.keep(_kill())
    assert FakeRedis(server=server).xlen("issuance:restarts") <= 300


def test_the_supervisors_report_replaces_that_of_the_new_process():
    assert merge_restarts([_own(), _kill()]) == [_kill()]
    others = [_own(host="other"), _own(process="release"), _own(at=NOW + 120)]
    assert merge_restarts([*others, _kill()]) == [*others, _kill()]


def test_a_process_knows_that_the_one_before_it_was_not_stopped():
    server = FakeServer()
    nodes = Nodes(lambda: FakeRedis(server=server, decode_responses=True))
    assert nodes.start("worker@h") is False
    assert nodes.start("worker@h") is True
    nodes.forget("worker@h")
    assert nodes.start("worker@h") is False
    server.connected = False
    assert nodes.start("worker@h") is False


def test_the_restart_of_the_server_itself_is_written_when_it_is_back():
    server, now = FakeServer(), [0.0]
    notes = RestartNotes(_kept(server), clock=lambda: now[0])
    server.connected = False
    notes.add(_kill("broker"))
    notes.write()
    server.connected = True
    notes.write()
    assert _kept(server).of_last_day() == []
    now[0] = 6.0
    notes.write()
    assert [each.process for each in _kept(server).of_last_day()] == ["broker"]


def test_a_worker_that_was_killed_leaves_a_restart_when_the_next_one_starts():
    server = FakeServer()
    nodes = Nodes(lambda: FakeRedis(server=server, decode_responses=True))
    worker = SimpleNamespace(hostname="background-worker-2@h")
    step = presence(nodes, _kept(server))(worker)
    step.start(worker)
    assert _kept(server).of_last_day() == []
    step.start(worker)  # without a stop before it
    (restart,) = _kept(server).of_last_day()
    assert (restart.process, restart.host, restart.cause) == (
        "background-worker",
        "h",
        NOT_STOPPED,
    )
    step.stop(worker)
    step.start(worker)
    assert len(_kept(server).of_last_day()) == 1
