"""The supervisor of `issuance up`: starts processes, restarts dead ones, stops them in order."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from broker.restarts import Restart
from config.log_files import rotate
from console.local.log_tail import last_log_line
from files.private import make_folder, open_to_append

log = structlog.get_logger("issuance.up")

_PR_SET_PDEATHSIG = 1
_ROTATE_SECONDS = 5.0
_KEPT_LOGS = 4
_AWAY = 69
"""The exit status of a process whose server is away (`console.terminal.EXIT_AWAY`)."""


@dataclass(frozen=True)
class ProcessSpec:
    """A process to keep running."""

    name: str
    command: list[str]
    grace_seconds: float = 5.0
    """How long it may take to end after SIGTERM, before SIGKILL."""
    essential: bool = True
    """Whether the system cannot work without it."""
    follows_renames: bool = True
    """Whether it opens its log again after a rename, as our own processes do."""


@dataclass(frozen=True)
class RestartPolicy:
    """How often a dead process is restarted; by default for about a minute."""

    first_seconds: float = 0.5
    """Before the first restart; the delay doubles with each further one."""
    most_seconds: float = 5.0
    """The longest delay."""
    stable_seconds: float = 30.0
    """A process that ran longer than this starts with a count of zero again."""
    deaths: int = 12
    """Deaths in a row after which the process is given up."""


class CrashLoopError(Exception):
    """An essential process died too often. The message says why and where its log is."""


@dataclass
class _Kept:
    spec: ProcessSpec
    process: subprocess.Popen[bytes]
    started_at: float
    restarts: int = 0
    """Deaths in a row; one because a server is away does not count."""
    restart_at: float | None = None
    ended_at: float = 0.0
    """When the last death was found, in seconds since 1970."""
    how: str = ""
    """How the last one died."""


@dataclass
class Supervisor:
    """Keeps processes running until `stop`.

    Args:
        logs: a folder; each process writes to `<name>.log` in it.
        environment: of every process.
        policy: how often a dead process is restarted.
        log_bytes: a larger log is renamed to `<name>.log.1`, and so on; four older ones are kept.
    """

    logs: Path
    environment: Mapping[str, str]
    policy: RestartPolicy = RestartPolicy()
    log_bytes: int = 50_000_000
    on_restart: Callable[[Restart], None] = lambda _: None
    """Called after each restart."""
    _rotate_at: float = 0.0
    _kept: list[_Kept] = field(default_factory=list)

    def start(self, spec: ProcessSpec) -> None:
        """Start a process and keep it running."""
        self._kept.append(_Kept(spec, self._spawn(spec), time.monotonic()))

    def _spawn(self, spec: ProcessSpec) -> subprocess.Popen[bytes]:
        make_folder(self.logs)
        with open_to_append(self.logs / f"{spec.name}.log") as log_file:
            return subprocess.Popen(  # noqa: S603  # our own commands
                spec.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the supervisor, which ends the others in order.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # no threads here
            )

    def check(self) -> None:
        """Restart dead processes, each time after a longer delay; call this about once a second.

        A process that dies too often in a row is given up.

        Raises:
            CrashLoopError: the process is essential.
        """
        now = time.monotonic()
        if now >= self._rotate_at:
            self._rotate_at = now + _ROTATE_SECONDS
            for kept in self._kept:
                self._rotate(kept.spec)
        for kept in list(self._kept):
            if kept.process.poll() is None:
                continue
            if kept.restart_at is None:
                self._plan_restart(kept, now)
            elif now >= kept.restart_at:
                kept.process = self._spawn(kept.spec)
                kept.started_at, kept.restart_at, kept.restarts = now, None, kept.restarts + 1
                self.on_restart(_restart_of(kept))

    def _rotate(self, spec: ProcessSpec) -> None:
        path = self.logs / f"{spec.name}.log"
        rotate(
            path,
            largest_bytes=self.log_bytes,
            kept=_KEPT_LOGS,
            copies=not spec.follows_renames,
        )

    def _plan_restart(self, kept: _Kept, now: float) -> None:
        """Decide when to restart a process that has just died, if at all."""
        name, policy = kept.spec.name, self.policy
        if now - kept.started_at > policy.stable_seconds or kept.process.returncode == _AWAY:
            kept.restarts = 0
        if kept.restarts + 1 < policy.deaths:
            delay = (
                policy.most_seconds
                if kept.process.returncode == _AWAY
                else min(policy.most_seconds, policy.first_seconds * 2**kept.restarts)
            )
            log.warning(
                "process_died",
                process=name,
                how=_end_of(kept.process.returncode),
                restart_seconds=delay,
            )
            kept.restart_at = now + delay
            kept.ended_at, kept.how = time.time(), _cause_of(kept.process.returncode)
            return
        if kept.spec.essential:
            raise CrashLoopError(
                f"{name} has died {policy.deaths} times in a row: {self.last_log_line(name)}"
            )
        log.warning(
            "process_given_up", process=name, deaths=policy.deaths, said=self.last_log_line(name)
        )
        self._kept.remove(kept)

    def died(self) -> str | None:
        """Name an essential process that is not running now; None when all run."""
        return next(
            (
                kept.spec.name
                for kept in self._kept
                if kept.spec.essential and kept.process.poll() is not None
            ),
            None,
        )

    def last_log_line(self, name: str) -> str:
        """The last error in a process's log, or else its last line, and the path of the log."""
        return last_log_line(self.logs / f"{name}.log")

    def stop(self) -> None:
        """End all processes, the newest first, with SIGTERM and after the grace with SIGKILL."""
        while self._kept:
            _end(self._kept.pop())

    def stop_group(self, names: list[str]) -> None:
        """End the named processes at the same time."""
        chosen = [kept for kept in self._kept if kept.spec.name in names]
        self._kept = [kept for kept in self._kept if kept.spec.name not in names]
        for kept in chosen:
            _signal(kept, signal.SIGTERM)
        for kept in chosen:
            _await_end(kept)


def _end_of(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


def _cause_of(status: int) -> str:
    return f"ended with {_end_of(status)}" if status >= 0 else f"killed by {_end_of(status)}"


def _restart_of(kept: _Kept) -> Restart:
    return Restart(kept.spec.name, socket.gethostname(), time.time(), kept.how, kept.ended_at)


def _end(kept: _Kept) -> None:
    _signal(kept, signal.SIGTERM)
    _await_end(kept)


def _await_end(kept: _Kept) -> None:
    try:
        kept.process.wait(kept.spec.grace_seconds)
    except subprocess.TimeoutExpired:
        log.warning("process_killed", process=kept.spec.name, grace_seconds=kept.spec.grace_seconds)
    # Ends the children that the process has left behind.
    with suppress(ProcessLookupError):
        os.killpg(kept.process.pid, signal.SIGKILL)
    kept.process.wait()


def _signal(kept: _Kept, number: signal.Signals) -> None:
    if kept.process.poll() is None:
        kept.process.send_signal(number)


def _die_with_parent() -> None:
    """Let the kernel end this process when the supervisor is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
