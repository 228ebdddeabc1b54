"""Builds the Celery application with its tasks. Also serves `celery -A worker.app`."""

import os
import socket

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutdown

from broker.restarts import CHILD_ENDED
from config.gc_tuning import collect_rarely
from operations.process_reports import write_report
from operations.services import Services
from worker.child_signals import obey_only_parent
from worker.child_watch import child_watch
from worker.presence import keep_restart, presence
from worker.services import WorkerServices
from worker.tasks import register_tasks


def build(base: Services) -> Celery:
    """Make the application of a worker process."""
    app = base.celery
    main = os.getpid()

    def obey() -> None:
        # The solo pool sends the signal in the worker itself, which obeys each sender.
        if os.getpid() != main:
            obey_only_parent()

    for name, begin in (("gc_tuning", collect_rarely), ("signals", obey)):
        worker_process_init.connect(
            lambda begin=begin, **_: begin(), weak=False, dispatch_uid=f"issuance.{name}"
        )
    services = WorkerServices(base, worker=socket.gethostname())

    # Made before the children are forked, which share its memory with this process.
    carried = services.carried

    def lose_child(process_id: int, node: str) -> None:
        carried.mark_lost(process_id)
        keep_restart(base.restarts, node, CHILD_ENDED)

    app.steps["worker"].add(child_watch(lose_child))
    app.steps["worker"].add(presence(base.nodes, base.restarts, write_report(base)))
    # A child sends the first signal, a process without children the second.
    for end in (worker_process_shutdown, worker_shutdown):
        end.connect(lambda **_: services.finish(), weak=False, dispatch_uid="issuance.finishing")
    register_tasks(app, services)
    return app


def __getattr__(name: str) -> Celery:
    """Build `app` on first access: importing this module must not read settings."""
    if name in ("app", "celery"):
        return build(Services.read())
    raise AttributeError(name)
