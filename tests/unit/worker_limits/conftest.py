"""A Redis without a socket."""

import pytest
from fakeredis import FakeAsyncRedis, FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def redis(server):
    async with FakeAsyncRedis(server=server, decode_responses=True) as client:
        yield client
