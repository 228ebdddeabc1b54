"""The worker's composition: settings in, a Celery application with its tasks out. Also `celery -A worker.app`."""

import socket

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutdown

from config.gc_tuning import collect_rarely
from operations.services import Services
from worker.child_watch import child_watch
from worker.services import Parts
from worker.tasks import register_tasks


def build(services: Services) -> Celery:
    """Make the application of a worker process."""
    app = services.celery
    worker_process_init.connect(
        lambda **_: collect_rarely(), weak=False, dispatch_uid="issuance.collecting"
    )
    parts = Parts(services, worker=socket.gethostname())
    app.steps["worker"].add(child_watch(parts.carried.mark_lost))
    # of a child, and of a process without children
    for end in (worker_process_shutdown, worker_shutdown):
        end.connect(lambda **_: parts.finish(), weak=False, dispatch_uid="issuance.finishing")
    register_tasks(app, parts)
    return app


def __getattr__(name: str) -> Celery:
    """Make `app` when Celery's own command line asks for it, so that importing this module reads nothing."""
    if name in ("app", "celery"):
        return build(Services.read())
    raise AttributeError(name)
