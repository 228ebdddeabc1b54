"""`issuance up`: the whole system on this machine, with embedded parts where no URL is set."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from redis import Redis
from redis.exceptions import RedisError

from broker.nodes import Node
from broker.restarts import Restarts
from config.accounts_file import read_accounts_file
from config.endpoints import RunningSystem, Servers, sqlite_url
from config.env_file import env_file_in_use
from config.flower_login import FlowerLogin
from config.home import embedded_ledger, tighten_state
from config.home_lock import HomeLock
from config.logs import configure_logs
from config.settings import Settings, SettingsError
from config.settings_reader import read_settings
from console.local.addresses import free_port, is_free, page_url, require_host
from console.local.embedded import broker_command, simulator_command
from console.local.preflight import require_broker
from console.local.python_command import python_command
from console.local.restart_notes import RestartNotes
from console.local.run import ProcessName
from console.local.supervisor import CrashLoopError, ProcessSpec, Supervisor
from console.terminal import EXIT_FAILED, complain, explained, out, remark
from ledger.audit_log import migration_record
from limiter.redis_connection import connect_sync
from operations.operators import process_operator
from operations.people.login import make_login_link
from operations.services import Services

if TYPE_CHECKING:
    from celery import Celery

_START_SECONDS = 60.0
_RECALL_SECONDS = 600.0
"""The simulator first replays its truth file, some ten thousand calls a second."""
_CHECK_SECONDS = 0.5
_NOTE_SECONDS = 1.0
_PASSWORD_BYTES = 24
_OPTIONAL = (ProcessName.FLOWER, ProcessName.HEALTH, ProcessName.WEB)
"""Processes that the system can work without."""
_CONSUMING = (
    ProcessName.RELEASE,
    ProcessName.DEAD_LETTERS,
    ProcessName.WORKER,
    ProcessName.BACKGROUND_WORKER,
)


def up(
    *,
    simulator: Annotated[
        bool, typer.Option("--simulator", help="Run the simulated rewards API and call it.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="Child processes of each worker; default: ISSUANCE_WORKERS."
        ),
    ] = None,
    no_flower: Annotated[bool, typer.Option("--no-flower", help="Do not start Flower.")] = False,
    no_web: Annotated[bool, typer.Option("--no-web", help="Do not start the web console.")] = False,
) -> None:
    """Run the whole system on this machine; prints a line with `ready` when it accepts work."""
    with explained():
        settings = read_settings()
        _require_api(settings, simulator=simulator)
        configure_logs(settings)
        lock = _lock(settings.home)
        system = System(
            settings,
            simulator=simulator,
            workers=workers or settings.workers,
            flower=not no_flower,
            web=not no_web,
        )
        try:
            system.run()
        except (StartError, CrashLoopError) as error:
            complain(f"{error}. The system has ended; fix the cause and start it again")
            sys.exit(EXIT_FAILED)
        finally:
            lock.release()


def _require_api(settings: Settings, *, simulator: bool) -> None:
    if settings.accounts_file is not None:
        read_accounts_file(settings.accounts_file)  # an error shows here, not in each process
    elif not settings.api_url and not simulator:
        raise SettingsError(
            "ISSUANCE_API_URL is not set: set it, or start the simulated API with --simulator"
        )


def _lock(home: Path) -> HomeLock:
    """Take the lock of HOME, so that a second system cannot start there.

    Raises:
        SettingsError: a system runs there, or starts there.
        HomeError: HOME cannot be made or closed to others.
    """
    lock = HomeLock.acquire(home)
    if lock is None:
        running = RunningSystem.find(home)
        which = (
            f"process {running.pid}, see {home / 'running.json'}" if running else "it starts now"
        )
        raise SettingsError(
            f"A system runs on {home} already ({which}): stop it, or set ISSUANCE_HOME"
        )
    RunningSystem.retract(home)  # left by a system that was killed
    tighten_state(home)
    return lock


class StartError(Exception):
    """The system did not start. The message says which log to read."""


class System:
    """The processes of one machine, from start to end."""

    def __init__(
        self, settings: Settings, *, simulator: bool, workers: int, flower: bool, web: bool
    ) -> None:
        self._settings = settings
        self._home = settings.home.resolve()
        self._simulator = simulator
        self._workers = workers
        if flower:
            require_host("FLOWER", settings.flower_host)
        require_host("HEALTH", settings.health_host)
        if web:
            require_host("WEB", settings.web_host)
        self._flower_port = _choose_port(settings, "flower", "Flower") if flower else 0
        # What is set reaches Flower as it was given: in the environment, in `.env` or in a file.
        self._made_login = None if settings.flower_login else FlowerLogin.make()
        self._health_port = _choose_port(settings, "health", "the health page")
        self._web_port = _choose_port(settings, "web", "the web console") if web else 0
        self._stopping = False
        self._servers = self._plan()
        url = self._servers.redis_url
        self._restarts = RestartNotes(
            Restarts(lambda: connect_sync(url, wait_seconds=_NOTE_SECONDS))
        )
        self._supervisor = Supervisor(
            self._home / "logs", self._environment(), on_restart=self._restarts.add
        )

    def _plan(self) -> Servers:
        """Choose each part's URL: the configured one, or a free port for an embedded part."""
        settings = self._settings
        self._broker_port = free_port()
        # Of letters and digits, so that it is the same in a URL and in a file of settings.
        self._broker_password = token_hex(_PASSWORD_BYTES)
        embedded = f"redis://:{self._broker_password}@127.0.0.1:{self._broker_port}/0"
        broker_url = settings.broker_url or embedded
        explicit_rate = "api_rate_per_minute" in settings.model_fields_set
        return Servers(
            ledger_url=settings.ledger_url or sqlite_url(embedded_ledger(self._home)),
            broker_url=broker_url,
            redis_url=settings.redis_url or broker_url,
            api_url=f"http://127.0.0.1:{free_port()}" if self._simulator else settings.api_url,
            # The documented default is for the real API; the simulator has no limit.
            rate_per_minute=0
            if self._simulator and not explicit_rate
            else settings.api_rate_per_minute,
        )

    def _environment(self) -> dict[str, str]:
        servers = self._servers
        return os.environ | {
            "ISSUANCE_HOME": str(self._home),
            "ISSUANCE_LEDGER_URL": servers.ledger_url,
            "ISSUANCE_BROKER_URL": servers.broker_url,
            "ISSUANCE_REDIS_URL": servers.redis_url,
            "ISSUANCE_API_URL": servers.api_url,
            "ISSUANCE_API_RATE_PER_MINUTE": str(servers.rate_per_minute),
            "ISSUANCE_ACCOUNTS_FILE": _absolute(self._settings.accounts_file),
            "ISSUANCE_SECRET_FILE": _absolute(self._settings.secret_file),
            "ISSUANCE_WORKERS": str(self._workers),
            "ISSUANCE_FLOWER_PORT": str(self._flower_port or 0),
            "ISSUANCE_HEALTH_PORT": str(self._health_port or 0),
            "ISSUANCE_WEB_PORT": str(self._web_port or 0),
            "ISSUANCE_LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
            **({"ISSUANCE_FLOWER_BASIC_AUTH": self._made_login.text} if self._made_login else {}),
        }

    def run(self) -> None:
        """Start everything, keep it running until a signal, then stop it in order."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        remark(f"Starting; the processes' logs are in {_short(self._home / 'logs')}.")
        try:
            self._start()
            while not self._stopping:
                self._supervisor.check()
                self._restarts.write()
                time.sleep(_CHECK_SECONDS)
        finally:
            self._stop()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self) -> None:
        with Services(self._settings, self._servers).connect_ledger() as ledger:
            ledger.migrate(migration_record(process_operator("system")))
        self._start_embedded()
        from broker.celery_app import create_app  # noqa: PLC0415  # slow to load, and `up --help` needs none of it

        app = create_app(self._settings, self._servers)
        for name in (*_CONSUMING, ProcessName.BEAT):
            self._supervisor.start(self._spec(name))
        for name, port in (
            (ProcessName.HEALTH, self._health_port),
            (ProcessName.FLOWER, self._flower_port),
            (ProcessName.WEB, self._web_port),
        ):
            if port:
                self._supervisor.start(self._spec(name))
        self._wait("the workers", lambda: _all_answer(app))
        if not self._stopping:
            self._announce()

    def _start_embedded(self) -> None:
        servers = self._servers
        if not self._settings.broker_url:
            command = broker_command(self._home, self._broker_port, self._broker_password)
            self._supervisor.start(ProcessSpec("broker", command, follows_renames=False))
            self._wait("the broker", lambda: _redis_answers(servers.broker_url))
        require_broker(self._settings, servers)
        if self._simulator:
            port = int(servers.api_url.rsplit(":", 1)[1])
            self._supervisor.start(
                ProcessSpec("simulator", simulator_command(self._home, port), follows_renames=False)
            )
            self._wait(
                "the simulator",
                lambda: _http_answers(servers.api_url + "/_health"),
                _RECALL_SECONDS,
            )

    def _spec(self, name: ProcessName) -> ProcessSpec:
        # A worker may finish and record its running calls.
        grace = self._settings.api_timeout_seconds + 10 if "worker" in name else 5.0
        command = python_command("console", "run", name.value)
        return ProcessSpec(name.value, command, grace, essential=name not in _OPTIONAL)

    def _wait(
        self, what: str, answers: Callable[[], bool], seconds: float = _START_SECONDS
    ) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and not answers():
            died = self._supervisor.died()
            if died is not None:
                raise StartError(f"{died} did not start: {self._supervisor.last_log_line(died)}")
            if time.monotonic() > until:
                raise StartError(
                    f"{what} did not answer within {seconds:.0f} s: see {self._home / 'logs'}"
                )
            time.sleep(0.1)

    def _announce(self) -> None:
        running = self._addresses()
        self._print(running)
        # After the addresses: a program that waits for it may print to the same terminal.
        running.announce(self._home)
        out.print("issuance is ready: work is accepted. Ctrl-C ends it.", soft_wrap=True)
        sys.stdout.flush()

    def _addresses(self) -> RunningSystem:
        servers, settings = self._servers, self._settings
        flower_url = health_url = web_url = ""
        if self._flower_port:
            flower_url = page_url(settings.flower_host, self._flower_port)
        if self._health_port:
            health_url = f"{page_url(settings.health_host, self._health_port)}/healthz"
        if self._web_port:
            web_url = settings.web_url or page_url(settings.web_host, self._web_port)
        return RunningSystem(
            os.getpid(),
            servers.broker_url,
            servers.api_url,
            flower_url,
            servers.rate_per_minute,
            health_url,
            web_url,
        )

    def _print(self, running: RunningSystem) -> None:
        lines = []
        if running.web_url:
            lines.append(f"console    {running.web_url}{self._login_path()}")
        if running.flower_url:
            lines.append(f"Flower     {running.flower_url}{self._flower_hint()}")
        if running.health_url:
            lines.append(f"health     {running.health_url}")
        if running.api_url:
            simulated = " (simulator)" if self._simulator else ""
            lines.append(f"API        {running.api_url}{simulated}")
        if env_file := env_file_in_use():
            lines.append(f"settings   {env_file}, and the environment")
        if file := _absolute(self._settings.accounts_file):
            lines.append(f"accounts   {file}")
        for line in lines:
            out.print(line, soft_wrap=True)

    def _login_path(self) -> str:
        """The path of a link that logs the user of this process in, once."""
        services = Services(self._settings, self._servers)
        with services.connect_ledger() as ledger:
            return f"/login/link/{make_login_link(services, ledger)}"

    def _flower_hint(self) -> str:
        """The login, if this start has made it: nothing else shows it."""
        if self._made_login is None:
            return ""
        return f" (user {self._made_login.user}, password {self._made_login.password})"

    def _stop(self) -> None:
        RunningSystem.retract(self._home)
        # First the process that makes new work, then all consumers together, then the rest.
        self._supervisor.stop_group([ProcessName.BEAT.value])
        self._supervisor.stop_group([name.value for name in _CONSUMING])
        self._supervisor.stop()


def _choose_port(settings: Settings, part: str, whose: str) -> int:
    """The configured port if it is free; else another one, or 0 (none) if the port was set."""
    name = f"{part}_port"
    port: int = getattr(settings, name)
    if port and is_free(port, getattr(settings, f"{part}_host")):
        return port
    if port and name in settings.model_fields_set:
        remark(
            f"ISSUANCE_{name.upper()}: port {port} is taken, so {whose} is left out. End what "
            "listens there, or set another port (0: a free one)."
        )
        return 0
    return free_port()


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _redis_answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


def _http_answers(url: str) -> bool:
    import httpx  # noqa: PLC0415  # slow to load, and only the simulator is asked

    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.HTTPError:
        return False


def _all_answer(app: "Celery") -> bool:
    answers = app.control.ping(timeout=0.5) or []
    nodes = {Node.read(node).process for answer in answers for node in answer}
    return nodes.issuperset(name.value for name in _CONSUMING)
