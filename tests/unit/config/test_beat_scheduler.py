"""Beat ticks each second, whatever the clock of the machine does."""

import time

import pytest
from celery import Celery
from celery.beat import Service
from structlog.testing import capture_logs

from broker.beat_scheduler import SteadyScheduler
from broker.celery_app import create_app
from config.endpoints import Servers
from config.settings import Settings
from tests.valkey import free_port


class Recording(SteadyScheduler):
    """Records what it would send, on a clock of its own."""

    now = 0.0

    def __init__(self, app):
        self.sent = []
        self.clock = lambda: self.now
        super().__init__(app, Producer=lambda *_, **__: None)

    def apply_entry(self, entry, producer=None):  # Celery's signature
        self.sent.append((self.now, entry.task))


@pytest.fixture
def scheduler():
    app = Celery(broker="memory://")
    app.conf.beat_schedule = {"release": {"task": "issuance.release", "schedule": 1.0}}
    app.conf.beat_max_loop_interval = 1
    return Recording(app)


def _run(scheduler, until):
    while scheduler.now < until:
        scheduler.now += max(scheduler.tick(), 0.001)


def test_it_ticks_at_once_and_then_each_second(scheduler):
    _run(scheduler, 3.5)
    assert [round(at, 3) for at, _ in scheduler.sent] == [0, 1, 2, 3]


@pytest.mark.parametrize("step", [-3_600, 86_400])
def test_a_step_of_the_wall_clock_changes_nothing(scheduler, monkeypatch, step):
    _run(scheduler, 1.5)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + step)
    _run(scheduler, 4.5)
    assert [round(at, 3) for at, _ in scheduler.sent] == [0, 1, 2, 3, 4]


def test_missed_ticks_are_not_made_up_for(scheduler):
    scheduler.tick()
    scheduler.now = 60.0
    _run(scheduler, 61.5)
    assert [round(at, 3) for at, _ in scheduler.sent] == [0, 60, 61]


def test_beat_uses_it_with_our_schedule_and_writes_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(_env_file=None)
    app = create_app(settings, Servers("", "redis://127.0.0.1:1/0", "", "", 0))
    service = Service(app, scheduler_cls=app.conf.beat_scheduler)
    assert isinstance(service.scheduler, SteadyScheduler)
    assert list(service.scheduler.schedule) == ["release"]
    service.sync()
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_is_away_costs_one_tick():
    settings = Settings(_env_file=None)
    app = create_app(settings, Servers("", f"redis://127.0.0.1:{free_port()}/0", "", "", 0))
    scheduler = Service(app, scheduler_cls=app.conf.beat_scheduler).scheduler
    with capture_logs() as logs:
        scheduler.tick()
        scheduler.tick()
    assert [(entry["event"], entry["task"]) for entry in logs] == [
        ("tick_unpublished", "issuance.release")
    ]
