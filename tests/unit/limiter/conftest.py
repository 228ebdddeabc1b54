"""A fake Redis without a socket, and an account in virtual time."""

import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from limiter.rate_limiter import RateLimiter
from tests.unit.limiter.virtual import VirtualAccount


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def redis(server):
    async with FakeAsyncRedis(server=server, decode_responses=True) as client:
        yield client


@pytest.fixture
def virtual() -> VirtualAccount:
    return VirtualAccount()


@pytest.fixture
def limiter(virtual: VirtualAccount) -> RateLimiter:
    """A worker of the account in virtual time, at 6,000 calls a minute."""
    return virtual.worker()
