"""The worker's composition: settings in, a Celery application with its tasks out. Also `celery -A worker.app`."""

import socket

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutdown

from broker.celery_app import create_app
from config.endpoints import Site
from config.gc_tuning import collect_rarely
from config.settings import Settings, read_settings
from worker.child_watch import child_watch
from worker.services import Parts
from worker.tasks import register_tasks


def build(settings: Settings, site: Site) -> Celery:
    """Make the application of a worker process."""
    app = create_app(settings, site)
    worker_process_init.connect(lambda **_: collect_rarely(), weak=False, dispatch_uid="issuance.collecting")
    parts = Parts(app, settings, site, worker=socket.gethostname())
    app.steps["worker"].add(child_watch(parts.carried.mark_lost))
    for end in (worker_process_shutdown, worker_shutdown):  # of a child, and of a process without children
        end.connect(lambda **_: parts.finish(), weak=False, dispatch_uid="issuance.finishing")
    register_tasks(app, parts)
    return app


def __getattr__(name: str) -> Celery:
    """Make `app` when Celery's own command line asks for it, so that importing this module reads nothing."""
    if name in ("app", "celery"):
        settings = read_settings()
        return build(settings, Site.of(settings))
    raise AttributeError(name)
