"""Runs commands on a ledger of its own for each test, with no other process."""

import fcntl
import logging
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from console.main import command_line
from ledger.campaigns import ensure_campaign
from ledger.store.database import Ledger
from tests.contract.ledger.build import Desk

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated ledger; each test copies it, which is faster than migrating."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.migrate()
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> Path:
    """The folder of the embedded state; removes the user's own settings."""
    for name in os.environ:
        if name.startswith("ISSUANCE_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(migrated, folder / "ledger.db")
    monkeypatch.setenv("ISSUANCE_HOME", str(folder))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """Restore the log configuration, which a command changes in this process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    with Ledger(f"sqlite:///{home / 'ledger.db'}", durable=False) as opened:
        yield opened


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    """A running campaign `spring`, with helpers that move jobs through the ledger."""
    return Desk(ledger, ensure_campaign(ledger, "spring"))


@pytest.fixture
def run() -> Run:
    """Run a command in this process; it is not on a terminal."""

    def invoke(*arguments: object, input: str | None = None) -> Result:  # noqa: A002  # as click names it
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(command_line(), words, input=input, catch_exceptions=False)

    return invoke


@pytest.fixture
def on_terminal() -> Callable[..., str]:
    """Run a command on a terminal of 80 columns; returns what it shows, without colours.

    `answer`: what is typed; None: standard input is no terminal.
    """

    def invoke(*arguments: object, answer: str | None = None) -> str:
        terminal, seat = pty.openpty()
        fcntl.ioctl(seat, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        command = [sys.executable, "-m", "console", *map(str, arguments)]
        environment = os.environ | {"TERM": "xterm"}
        source = subprocess.DEVNULL if answer is None else seat
        with subprocess.Popen(command, stdin=source, stdout=seat, stderr=seat, env=environment):
            os.close(seat)
            if answer is not None:
                os.write(terminal, f"{answer}\n".encode())
            shown = b"".join(iter(lambda: _read(terminal), b""))
        os.close(terminal)
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()).replace("\r\n", "\n")

    return invoke


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux reports that no process has the terminal open
        return b""


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command in a process that ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def popen(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "console", *map(str, arguments)]
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
        )
        return started[-1]

    yield popen
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a campaign's file with the given rows below the header."""

    def write(*rows: str, header: str = "mobile,rewardId", name: str = "spring.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write
