"""Runs the simulator on a loopback port, in the main thread or in a thread of a test."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.app import app_of
from simulator.catalogue import Catalogue
from simulator.demo_catalogue import DEMO
from simulator.faults import read_plan
from simulator.switches import Switches
from simulator.truth_file import restored
from simulator.world import World

Result = TypeVar("Result")
HOST = "127.0.0.1"
BACKLOG = 2_048
# Longer than any client's own limit, so that only a fault ends an idle connection.
KEEP_ALIVE_SECONDS = 120
STOP_SECONDS = 1
THREAD_SECONDS = 10.0


class SocketProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also passes the transport to the app: resets and cuts need it."""

    def on_message_begin(self) -> None:
        """Start a request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {"simulator.transport": self.transport}  # type: ignore[dict-item]


class SimulatorServer(uvicorn.Server):
    """A server that calls `on_ready` once it listens and releases delayed replies when it stops."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, world: World, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app_of(world),
                http=SocketProtocol,
                ws="none",
                lifespan="off",
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self.world, self._on_ready = world, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then call `on_ready`."""
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Release delayed replies, then stop as usual."""
        self.world.delivery.closing.set()
        await super().shutdown(sockets)


def listen(port: int = 0, host: str = HOST) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises OSError if the port is taken."""
    return socket.create_server((host, port), backlog=BACKLOG)


def url_of(listener: socket.socket) -> str:
    """The base URL of a listening socket."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


class Simulator:
    """A simulator in a thread, for tests: `with Simulator() as sim: ... sim.url ... sim.truth()`.

    Switches are keyword arguments, as in `Simulator(http_mode="openapi_400")`. The methods run in
    the simulator's own thread between two calls, without HTTP.
    """

    def __init__(
        self,
        catalogue: Catalogue = DEMO,
        *,
        port: int = 0,
        truth_file: Path | None = None,
        clock: Callable[[], float] | None = None,
        **switches: Any,
    ) -> None:
        self._clock = {} if clock is None else {"clock": clock}
        self._catalogue, self._switches = catalogue, Switches().changed(**switches)
        self._port, self._truth_file = port, truth_file
        self._stack = ExitStack()
        self._server: SimulatorServer | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start, and wait until it listens."""
        world = World(self._catalogue, self._switches, **self._clock)
        if self._truth_file is not None:
            self._stack.enter_context(restored(world, self._truth_file))
        listener, ready = listen(self._port), threading.Event()
        self._server = server = SimulatorServer(world, ready.set)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="simulator"
        )
        self._stack.callback(thread.join, THREAD_SECONDS)
        thread.start()
        if not ready.wait(THREAD_SECONDS):
            raise TimeoutError("the simulator did not start; is the machine overloaded?")
        self.url = url_of(listener)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; delayed replies are dropped."""
        self._running.should_exit = True
        self._stack.close()

    def truth(self, request_id: str | None = None) -> Any:
        """What really happened under one requestId (None if never seen), or all by requestId."""
        if request_id is not None:
            return self._ask(lambda: self._world.truth.entry(request_id))
        return {
            entry["requestId"]: entry
            for entry in self._ask(lambda: list(self._world.truth.entries()))
        }

    def summary(self) -> dict[str, Any]:
        """The counts of `GET /_truth/summary`."""
        return self._ask(self._world.truth.summary)

    def switch(self, **changes: Any) -> None:
        """Change switches for later calls."""
        self._ask(lambda: self._world.change_switches(changes))

    def faults(self, **plan: Any) -> None:
        """Plan faults (`next`, `customers`, `rates`, `seed`) in the format of `POST /_faults`."""
        self._ask(lambda: self._world.faults.add(read_plan(plan)))

    def clear_faults(self) -> None:
        """Forget every planned fault."""
        self._ask(self._world.faults.clear)

    def change_reward(self, reward_id: int, *, account: str | None = None, **changes: Any) -> None:
        """Change a reward's rules until the next reset."""
        self._ask(lambda: self._world.change_reward(reward_id, changes, account))

    def plant(self, transaction_id: int, *, account: str | None = None, **shown: Any) -> None:
        """Show a transaction differently in reads: `hidden`, `units` or `copies`."""
        self._ask(lambda: self._world.plant(transaction_id, shown, account))

    def put_customer(self, *, account: str | None = None, **profile: Any) -> None:
        """Add or replace a customer until the next reset."""
        self._ask(lambda: self._world.put_customer(profile, account))

    def group_points(self, group_id: int, account: str | None = None) -> int:
        """The current balance of a group."""
        found = self._ask(
            lambda: self._world.account(account).directory.find_group("group_id", str(group_id))
        )
        if found is None:
            raise KeyError(group_id)
        return found.points

    def revoke_tokens(self) -> None:
        """Invalidate every OAuth token."""
        self._ask(self._world.authenticator.revoke_tokens)

    def reset(self) -> None:
        """Forget every call, customer, fault and changed reward."""
        self._ask(self._world.reset)

    @property
    def _running(self) -> SimulatorServer:
        if self._server is None:
            raise RuntimeError("the simulator has not started; use it as a context manager")
        return self._server

    @property
    def _world(self) -> World:
        return self._running.world

    def _ask(self, question: Callable[[], Result]) -> Result:
        async def answer() -> Result:
            return question()

        return asyncio.run_coroutine_threadsafe(answer(), self._running.loop).result(THREAD_SECONDS)
