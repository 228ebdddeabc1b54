"""`issuance run NAME`: one process of the system; the Procfile, compose and `up` use it."""

import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import structlog
import typer

from broker.nodes import claim_node_name
from broker.queues import CONSUMERS
from config.flower_login import FlowerLogin
from config.log_writer import follow_renames
from config.logs import configure_logs
from config.settings import Settings, SettingsError
from console.local.addresses import free_port, is_free, page_url, require_host
from console.local.preflight import require_broker
from console.terminal import EXIT_FAILED, explained, remark
from ledger.store.database import require_ledger_file
from operations.services import Services

if TYPE_CHECKING:
    from celery import Celery


log = structlog.get_logger("issuance.process")


class ProcessName(StrEnum):
    """The processes of the system."""

    WORKER = "worker"
    BACKGROUND_WORKER = "background-worker"
    RELEASE = "release"
    DEAD_LETTERS = "dead-letters"
    BEAT = "beat"
    FLOWER = "flower"
    HEALTH = "health"
    WEB = "web"


def run(
    name: Annotated[
        ProcessName, typer.Argument(metavar="NAME", help=f"Which: {', '.join(ProcessName)}.")
    ],
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Child processes of a worker; default: ISSUANCE_WORKERS."),
    ] = None,
) -> None:
    """Run one process of the system in the foreground until SIGTERM."""
    with explained():
        services = _read(workers)
        settings = services.settings
        if name is ProcessName.HEALTH:
            require_host("HEALTH", settings.health_host)
            _require_port("HEALTH", settings.health_host, settings.health_port)
            _ = services.accounts  # read now: a file that breaks later changes nothing
            configure_logs(settings)
            follow_renames()
            from console.local.health_server import serve_probes  # noqa: PLC0415  # for this process only

            serve_probes(services)
            return
        if name is ProcessName.WEB:
            require_host("WEB", settings.web_host)
            _require_port("WEB", settings.web_host, settings.web_port)
            configure_logs(settings)
            follow_renames()
            _serve_console(services)
            return
        _require_parts(services, name)
        login = _flower_login(settings) if name is ProcessName.FLOWER else None
        node = claim_node_name(name, services.servers.broker_url)
        arguments = process_arguments(name, settings, node=node)
    configure_logs(settings)
    follow_renames()
    _log_warnings()
    app = _make_app(services, name)
    app.conf.task_send_sent_event = name is ProcessName.RELEASE
    if login is not None:
        sys.exit(_end_of(lambda: _serve_flower(app, settings, login)))
    sys.exit(_start(app, arguments))


def _serve_console(services: Services) -> None:
    from web.server import serve_console  # noqa: PLC0415  # for this process only

    settings = services.settings
    port = settings.web_port or free_port()
    url = (settings.web_url or page_url(settings.web_host, port)).rstrip("/")
    serve_console(services, host=settings.web_host, port=port, url=url)


def _flower_login(settings: Settings) -> FlowerLogin:
    """The login of the settings, or a new one that is shown here and nowhere else."""
    if settings.flower_login is not None:
        return settings.flower_login
    login = FlowerLogin.make()
    # Printed, not logged: a log may be sent elsewhere.
    remark(f"Flower     user {login.user}, password {login.password}")
    return login


def _serve_flower(app: "Celery", settings: Settings, login: FlowerLogin) -> None:
    from console.local.flower_server import serve_flower  # noqa: PLC0415  # for this process only

    serve_flower(app, settings, login)


def _start(app: "Celery", arguments: list[str]) -> int:
    """Run Celery's command until it ends; return its exit status.

    `Celery.start` does the same and loses the status: a worker that ended by an error would look as
    if it had been stopped, and no supervisor would restart it.
    """
    from celery.bin.celery import celery  # noqa: PLC0415  # slow to load

    celery.params[0].default = app
    return _end_of(lambda: celery.main(args=arguments, standalone_mode=False))


def _end_of(process: Callable[[], object]) -> int:
    try:
        status = process()
    except Exception as error:
        # One entry, so that the last line of the log says what happened.
        log.critical("process_failed", error=f"{type(error).__name__}: {error}", exc_info=True)
        return EXIT_FAILED
    return status if isinstance(status, int) else 0


def _read(workers: int | None) -> Services:
    services = Services.read()
    if workers is None:
        return services
    return replace(services, settings=services.settings.model_copy(update={"workers": workers}))


def _make_app(services: Services, name: ProcessName) -> "Celery":
    if name in (ProcessName.BEAT, ProcessName.FLOWER):
        return services.celery
    from worker.app import build  # noqa: PLC0415  # half a second, for the processes that run tasks

    return build(services)


def _log_warnings() -> None:
    """Log the warnings of libraries, one event each, without two that do not apply."""
    logging.captureWarnings(capture=True)
    # "Running with superuser privileges": dangerous with pickle, which no process here accepts.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    # The setting that it asks for is set (broker.celery_app).
    warnings.filterwarnings(
        "ignore", message=r"\s*In Celery 5\.1 we introduced an optional breaking change"
    )


def _require_parts(services: Services, name: ProcessName) -> None:
    settings, servers = services.settings, services.servers
    if not servers.broker_url:
        raise SettingsError(
            "ISSUANCE_BROKER_URL is not set and no embedded broker runs: set it, or use "
            "`issuance up`"
        )
    if name not in (ProcessName.BEAT, ProcessName.FLOWER):
        if name is not ProcessName.DEAD_LETTERS:
            services.require_accounts()
        require_ledger_file(servers.ledger_url)
        # Until this process and its children end; `issuance restore` asks for it.
        services.use_ledger()
        with services.connect_ledger() as ledger:
            ledger.check_schema()
    if name is ProcessName.FLOWER:
        require_host("FLOWER", settings.flower_host)
        _require_port("FLOWER", settings.flower_host, settings.flower_port)
    # A dead broker is an error only here: a running process waits for its broker without limit.
    require_broker(settings, servers)


def _require_port(part: str, host: str, port: int) -> None:
    if port and not is_free(port, host):
        raise SettingsError(
            f"ISSUANCE_{part}_PORT: port {port} is taken: end what listens there, or set another "
            "port"
        )


def process_arguments(name: ProcessName, settings: Settings, *, node: str) -> list[str]:
    """The arguments of Celery's own command line for a process."""
    match name:
        case ProcessName.WORKER | ProcessName.BACKGROUND_WORKER:
            children = ["--pool", "prefork", "--concurrency", str(settings.workers)]
            return _worker(name, node, children)
        case ProcessName.RELEASE | ProcessName.DEAD_LETTERS:
            # One task at a time, in the process itself, without children.
            return _worker(name, node, ["--pool", "solo"])
        case ProcessName.BEAT:
            return ["--quiet", "beat", "--pidfile", ""]
        case ProcessName.FLOWER | ProcessName.HEALTH | ProcessName.WEB:
            return []  # they are no commands of Celery
        case _:
            assert_never(name)


def _worker(name: ProcessName, node: str, pool: list[str]) -> list[str]:
    return [
        "--quiet",
        "worker",
        *("--hostname", node, "--queues", CONSUMERS[name], *pool),
        # Workers need no messages from each other; heartbeats stay, for Flower.
        *("--without-gossip", "--without-mingle"),
    ]
