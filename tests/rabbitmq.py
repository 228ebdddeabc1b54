"""A RabbitMQ server for tests: one given by URL, or an installed one that is started here."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from kombu.connection import Connection

from tests.e2e.processes import await_that
from tests.valkey import free_port

URL_VARIABLE = "ISSUANCE_TEST_AMQP_URL"
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
"""Debian's folder of the server's own scripts; those on the PATH change user and folder first."""
_START_SECONDS = 90
_END_SECONDS = 30


class NotInstalledError(Exception):
    """A server is not installed on this machine."""


class RabbitServer:
    """A server on 127.0.0.1 that keeps its port and folder over restarts.

    Args:
        folder: for its data and its log.
        programs: where `rabbitmq-server` and `rabbitmqctl` are.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        self._port, self._mapper_port = free_port(), free_port()
        self._environment = self._settings()
        self._mapper: subprocess.Popen[bytes] | None = None
        self._script: subprocess.Popen[bytes] | None = None
        self._process: psutil.Process | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def _settings(self) -> dict[str, str]:
        scrubbed = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_"))
        }
        own = {
            "HOME": str(self._folder),  # for Erlang's cookie
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq"),
            "RABBITMQ_NODENAME": f"issuance{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            # Idle schedulers sleep: the tests need the CPU.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+sbwt none +sbwtdcpu none +sbwtdio none "
                "-kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }
        return scrubbed | own

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "output.log").open("ab") as log:
            if self._mapper is None:
                # Without this, Erlang leaves a daemon behind.
                mapper = [
                    shutil.which("epmd") or "epmd",
                    "-address",
                    "127.0.0.1",
                    "-port",
                    str(self._mapper_port),
                ]
                self._mapper = subprocess.Popen(
                    mapper, env=self._environment, stdout=log, stderr=log
                )
            self._script = subprocess.Popen(
                [self._programs / "rabbitmq-server"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await_that("RabbitMQ answers", self._answers, _START_SECONDS)
        script = psutil.Process(self._script.pid)
        self._process = next(
            child for child in [script, *script.children(recursive=True)] if "beam" in child.name()
        )

    def _answers(self) -> bool:
        assert self._script is not None
        assert self._script.poll() is None, (
            f"RabbitMQ ended: {(self._folder / 'output.log').read_text()}"
        )
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                pass
            with Connection(self.url, connect_timeout=5) as connection:
                connection.connect()
        except OSError:
            return False
        return True

    @property
    def process(self) -> psutil.Process:
        """The server's process."""
        assert self._process is not None
        return self._process

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; confirmed messages are on disk."""
        assert self._script is not None
        self.process.send_signal(number)
        self._script.wait(_END_SECONDS)

    def end(self) -> None:
        """Stop it permanently."""
        if self._script is not None and self._script.poll() is None:
            # All its processes, even during the start: it has its own session.
            os.killpg(self._script.pid, signal.SIGKILL)
            self._script.wait(_END_SECONDS)
        if self._mapper is not None:
            self._mapper.terminate()
            self._mapper.wait(_END_SECONDS)

    def control(self, *command: str) -> str:
        """Run a command of `rabbitmqctl`; returns its output."""
        done = subprocess.run(
            [self._programs / "rabbitmqctl", "--quiet", *command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def installed_rabbitmq() -> Path | None:
    """The folder of the machine's RabbitMQ, or None."""
    if (_PROGRAMS / "rabbitmq-server").exists():
        return _PROGRAMS
    found = shutil.which("rabbitmq-server")
    return Path(found).resolve().parent if found else None


@contextmanager
def installed_server() -> Iterator[RabbitServer]:
    """Run the machine's RabbitMQ on its own port and in its own folder.

    Raises:
        NotInstalledError: there is none.
    """
    programs = installed_rabbitmq()
    if programs is None:
        raise NotInstalledError(
            f"no rabbitmq-server is installed here, and {URL_VARIABLE} is not set"
        )
    # Not in pytest's folders: a concurrent run may delete them.
    with TemporaryDirectory(prefix="issuance-rabbitmq-") as folder:
        server = RabbitServer(Path(folder), programs)
        try:
            server.start()
            yield server
        finally:
            server.end()


@contextmanager
def rabbitmq_url() -> Iterator[str]:
    """Yield the URL of a server: the one in ISSUANCE_TEST_AMQP_URL, or an installed one.

    Raises:
        NotInstalledError: there is neither.
    """
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    with installed_server() as server:
        yield server.url
