"""Start, find, kill and stop the processes of `issuance up`."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")

_READY_SECONDS = 60.0
_END_SECONDS = 40.0
_POLL_SECONDS = 0.05


def await_that(what: str, condition: Callable[[], T], seconds: float = 20.0) -> T:
    """Wait until the condition returns something true, and return that."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(_POLL_SECONDS)
    return found


class Processes:
    """An `issuance up` and all its processes."""

    def __init__(self, home: Path, environment: Mapping[str, str], *options: str) -> None:
        self.home = home
        self.output = home / "up.log"
        self._environment = dict(environment)
        self._options = options
        self._up: subprocess.Popen[bytes] | None = None
        self._seen: set[psutil.Process] = set()

    def start(self) -> None:
        """Start it in its own session, and wait until it is ready."""
        with self.output.open("wb") as output:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "console", "up", *self._options],
                cwd=self.home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        await_that("issuance up is ready", self._ready_or_ended, _READY_SECONDS)
        assert self.is_running, f"issuance up ended: {self.output.read_text()}"
        self._look()

    def _ready_or_ended(self) -> bool:
        return b"ready" in self.output.read_bytes() or not self.is_running

    @property
    def is_running(self) -> bool:
        """Whether `issuance up` itself runs."""
        return self._up is not None and self._up.poll() is None

    def find(self, name: str) -> psutil.Process:
        """The process of this name; waits for its restart."""
        return await_that(f"{name} runs", lambda: self._named().get(name))

    def find_again(self, old: psutil.Process, name: str) -> psutil.Process:
        """The process that replaced one that ended."""
        return await_that(f"{name} is started again", lambda: self._another(old, name), 30.0)

    def _another(self, old: psutil.Process, name: str) -> psutil.Process | None:
        found = self._named().get(name)
        return None if found is None or found == old else found

    def children(self, name: str) -> list[psutil.Process]:
        """The processes that the named one has forked."""
        return self.find(name).children()

    def all_named(self) -> list[tuple[str, psutil.Process]]:
        """All running processes by name; a worker's forks are called its children."""
        assert self._up is not None
        found = [("up", psutil.Process(self._up.pid))]
        for name, process in self._named().items():
            found.append((name, process))
            with suppress(psutil.NoSuchProcess):
                found += [(f"{name}'s child", child) for child in process.children()]
        return found

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> psutil.Process:
        """Send a signal to the named process; returns it."""
        process = self.find(name)
        process.send_signal(number)
        return process

    def kill_tree(self, name: str) -> psutil.Process:
        """SIGKILL the named process and its forks."""
        process = self.find(name)
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        return process

    @contextmanager
    def unable_to_write(self, *names: str) -> Iterator[None]:
        """Make every write of these processes and their children fail, as on a full disk."""
        found = [
            one
            for name in names
            for process in [self.find(name)]
            for one in [process, *process.children()]
        ]
        limits = {process: process.rlimit(psutil.RLIMIT_FSIZE) for process in found}
        for process, (_, most) in limits.items():
            process.rlimit(psutil.RLIMIT_FSIZE, (1, most))
        try:
            yield
        finally:
            for process, limit in limits.items():
                with suppress(psutil.NoSuchProcess):
                    process.rlimit(psutil.RLIMIT_FSIZE, limit)

    @contextmanager
    def also(self, *names: str, **environment: str) -> Iterator[None]:
        """Run a second process of each name within the `with`, as on another machine."""
        home = self.home / "second"
        home.mkdir(exist_ok=True)
        whole = self._environment | {"ISSUANCE_HOME": str(home)} | environment
        with ExitStack() as stack, (home / "output.log").open("ab") as output:
            for name in names:
                command = [sys.executable, "-m", "console", "run", name]
                process = subprocess.Popen(
                    command, env=whole, stdout=output, stderr=output, start_new_session=True
                )
                stack.callback(process.wait, _END_SECONDS)
                stack.callback(process.terminate)
            yield

    def signal_up(self, number: signal.Signals) -> None:
        """Send a signal to `issuance up` itself, as a terminal or an init system does."""
        assert self._up is not None
        self._look()
        self._up.send_signal(number)

    def await_end(self) -> int:
        """Wait for the end of `issuance up`; returns its exit status."""
        assert self._up is not None
        return self._up.wait(_END_SECONDS)

    def leftovers(self) -> list[str]:
        """The command lines of processes still running a moment after the end."""
        _, alive = psutil.wait_procs(self._seen, timeout=3)
        return [
            _command(process) for process in {*alive, *self._of_this_home()} if process.is_running()
        ]

    def end_by_force(self) -> None:
        """SIGKILL all remaining processes."""
        if self.is_running:
            self._look()
        for process in {*self._seen, *self._of_this_home()}:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._up is not None:
            self._up.kill()
            self._up.wait()

    def _look(self) -> dict[str, psutil.Process]:
        assert self._up is not None
        with suppress(psutil.NoSuchProcess):
            self._seen.update(psutil.Process(self._up.pid).children(recursive=True))
        return self._named()

    def _named(self) -> dict[str, psutil.Process]:
        assert self._up is not None
        try:
            children = psutil.Process(self._up.pid).children()
        except psutil.NoSuchProcess:
            return {}
        self._seen.update(children)
        return {name: child for child in children if (name := _name(child))}

    def _of_this_home(self) -> set[psutil.Process]:
        """Find them by environment, also after the death of their parent."""
        found = set()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("ISSUANCE_HOME") == str(self.home):
                    found.add(process)
        return found


def _name(process: psutil.Process) -> str:
    """Its name in the Procfile, `broker` or `simulator`; empty while it starts or ends."""
    command = _command(process)
    if "valkey-server" in command:
        return "broker"
    if "-m simulator" in command:
        return "simulator"
    return command.rpartition(" console run ")[2] if " console run " in command else ""


def _command(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
