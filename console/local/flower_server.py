"""`issuance run flower`: Flower's page, all of it behind a password."""

import logging
import signal
from base64 import b64encode
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from flower.app import Flower
from flower.options import default_options
from flower.urls import settings as web_settings
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from config.flower_login import FlowerLogin
from config.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

log = structlog.get_logger("issuance.flower")

_OPEN_PATH = "/healthcheck"
"""Answers `OK` and nothing else; orchestrators ask it without a password."""
_TASKS_KEPT = 2_000
_MANAGEMENT_PORT = 15_671
"""RabbitMQ's management with TLS."""
# `args` shows a chunk's campaign, size and first requestIds, `result` counts its jobs by outcome.
_COLUMNS = "name,args,result,state,received,runtime,worker,uuid"


def serve_flower(celery: "Celery", settings: Settings, login: FlowerLogin) -> None:
    """Show the tasks until SIGTERM or Ctrl-C.

    Flower's own command is not used. It reads options from `FLOWER_…` variables and runs
    `./flowerconfig.py`; it splits a password at its commas, and fails at a character that is not
    ASCII.

    Raises:
        OSError: the address cannot be listened on.
    """
    own = f"issuance:{token_urlsafe()}"
    default_options.address = settings.flower_host
    default_options.port = settings.flower_port
    default_options.read_only = True
    # Workers send events always, and refuse commands that change that.
    default_options.enable_events = False
    default_options.persistent = False  # with it Flower unpickles a file of the working folder
    default_options.max_tasks = _TASKS_KEPT
    default_options.tasks_columns = _COLUMNS
    default_options.basic_auth = [own]
    default_options.broker_api = queues_api(settings.broker_url)
    access = logging.getLogger("tornado.access")
    access.addHandler(logging.NullHandler())
    access.propagate = False

    flower = GuardedFlower(login, own, capp=celery, options=default_options, **web_settings)
    # Workers do not show their configuration (`broker.remote_control`).
    flower.inspector.inspect_methods = tuple(
        name for name in flower.inspector.inspect_methods if name != "conf"
    )
    # An exception in a signal handler can end Flower while it starts a thread, and its process then
    # waits for that thread without end.
    for number in (signal.SIGINT, signal.SIGTERM):
        flower.io_loop.asyncio_loop.add_signal_handler(number, flower.io_loop.stop)
    port = flower.start_http_server()
    log.info("flower_started", host=settings.flower_host, port=port)
    try:
        flower.start()
    finally:
        flower.executor.shutdown(wait=False, cancel_futures=True)


def queues_api(broker_url: str) -> str | None:
    """Return where Flower asks a RabbitMQ with TLS for its queues; None: where it does by itself.

    By itself it would send the broker's password unencrypted, to port 15672.
    """
    if not broker_url.startswith("amqps:"):
        return None
    host = urlsplit(broker_url).hostname or ""
    return f"https://{f'[{host}]' if ':' in host else host}:{_MANAGEMENT_PORT}/api/"


class GuardedFlower(Flower):  # type: ignore[misc]  # Flower is untyped
    """Flower behind one door: a request without the password reaches none of its pages.

    Flower itself leaves some pages open, such as `/metrics`, and cannot compare every password.

    Args:
        login: what a request must have.
        own: a login in ASCII, made for this process, that Flower's own checks compare with.
        **options: of Flower.
    """

    def __init__(self, login: FlowerLogin, own: str, **options: Any) -> None:
        self._login = login
        self._own = "Basic " + b64encode(own.encode()).decode()
        super().__init__(**options)

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """Return Flower's handler for a request with the password, else the refusal."""
        if request.path == _OPEN_PATH:
            return super().find_handler(request, **options)
        if not self._login.admits(request.headers.get("Authorization", "")):
            return self.get_handler_delegate(request, _Refusal)
        request.headers["Authorization"] = self._own
        return super().find_handler(request, **options)


class _Refusal(RequestHandler):
    """Asks for the password, whatever was asked."""

    def prepare(self) -> None:
        """Answer 401."""
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Basic realm="Flower", charset="UTF-8"')
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish("Give the user and the password of ISSUANCE_FLOWER_BASIC_AUTH.\n")

    def check_xsrf_cookie(self) -> None:
        """Check nothing: the answer is the same for all."""
