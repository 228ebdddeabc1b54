"""The worker's composition: settings in, a Celery application with its tasks out. Also `celery -A worker.app`."""

import socket

from celery import Celery

from config.celery_app import create_app
from config.settings import Settings, read_settings
from config.site import Site
from worker.parts import Parts
from worker.tasks import register_tasks


def build(settings: Settings, site: Site) -> Celery:
    """Make the application of a worker process."""
    app = create_app(settings, site)
    register_tasks(app, Parts(app, settings, site, worker=socket.gethostname()))
    return app


def __getattr__(name: str) -> Celery:
    """Make `app` when Celery's own command line asks for it, so that importing this module reads nothing."""
    if name in ("app", "celery"):
        settings = read_settings()
        return build(settings, Site.of(settings))
    raise AttributeError(name)
