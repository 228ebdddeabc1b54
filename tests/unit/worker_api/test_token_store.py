"""Both stores behave alike; the one in Redis is shared by processes and outlives them."""

import asyncio

import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from rewards_api.token_store import MemoryTokenStore, RedisTokenStore
from rewards_api.tokens import Token, Tokens, TokenUnavailableError

PREFIX = "issuance:account:"


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def redis(server):
    async with FakeAsyncRedis(server=server, decode_responses=True) as client:
        yield client


@pytest.fixture(params=["memory", "redis", "redis with bytes"])
async def store(request, server):
    if request.param == "memory":
        yield MemoryTokenStore()
    else:
        async with FakeAsyncRedis(
            server=server, decode_responses=request.param == "redis"
        ) as client:
            yield RedisTokenStore(client, PREFIX)


async def test_there_is_no_token_at_first(store):
    assert await store.read() is None


async def test_a_token_is_read_as_written_with_its_remaining_lifetime(store):
    await store.write(Token("t", 300, 299))
    token = await store.read()
    assert (token.value, token.ttl_seconds) == ("t", 300)
    assert 295 < token.left_seconds <= 299


async def test_a_new_token_replaces_the_old_one(store):
    await store.write(Token("old", 300, 300))
    await store.write(Token("new", 300, 300))
    assert (await store.read()).value == "new"


async def test_the_lock_has_one_holder_at_a_time(store):
    inside = most = 0

    async def hold():
        nonlocal inside, most
        async with store.lock():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(5)))
    assert most == 1


async def test_the_lock_is_free_again_after_an_error(store):
    with pytest.raises(LookupError):
        async with store.lock():
            raise LookupError
    async with asyncio.timeout(1), store.lock():
        await store.write(Token("t", 300, 300))
    assert (await store.read()).value == "t"


async def test_redis_forgets_the_token_when_it_expires(redis):
    await RedisTokenStore(redis, PREFIX).write(Token("t", 300, 12.5))
    assert 12_000 < await redis.pttl(f"{PREFIX}token") <= 12_500


@pytest.mark.parametrize(
    "foreign", ["", "{", "[]", "{}", '{"value": "t"}', '{"value": "t", "ttl_seconds": "x"}']
)
async def test_a_foreign_value_in_redis_is_no_token(redis, foreign):
    await redis.set(f"{PREFIX}token", foreign, px=60_000)
    assert await RedisTokenStore(redis, PREFIX).read() is None


async def test_a_token_without_an_expiry_is_not_trusted(redis):
    await redis.set(f"{PREFIX}token", '{"value": "t", "ttl_seconds": 300}')
    assert await RedisTokenStore(redis, PREFIX).read() is None


async def test_a_dead_holder_of_the_lock_delays_the_others_only_until_it_expires(redis):
    await redis.set(f"{PREFIX}token-lock", "dead", px=100)
    async with asyncio.timeout(5), RedisTokenStore(redis, PREFIX).lock():
        assert await redis.get(f"{PREFIX}token-lock") != "dead"


async def test_a_lock_that_is_never_released_ends_in_an_error(redis):
    await redis.set(f"{PREFIX}token-lock", "stuck")
    with pytest.raises(TokenUnavailableError, match="unavailable: another worker"):
        async with RedisTokenStore(redis, PREFIX, lock_seconds=0.2).lock():
            pytest.fail("held by two")


async def test_without_redis_there_is_no_token(server, redis):
    store = RedisTokenStore(redis, PREFIX)
    server.connected = False
    for act in (store.read(), store.write(Token("t", 1, 1)), store.lock().__aenter__()):
        with pytest.raises(TokenUnavailableError, match="unavailable: Redis"):
            await act


async def test_a_redis_that_is_lost_while_the_lock_is_held_does_not_hide_the_token(server, redis):
    got = None
    async with RedisTokenStore(redis, PREFIX).lock():
        server.connected = False
        got = "token"
    assert got == "token"


async def test_fifty_callers_in_ten_processes_fetch_one_token(server):
    asked = 0

    async def fetch():
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return Token(f"t{asked}", 300, 300)

    clients = [FakeAsyncRedis(server=server) for _ in range(10)]
    processes = [Tokens(fetch, RedisTokenStore(client, PREFIX)) for client in clients]
    got = await asyncio.gather(*(processes[n % 10].current() for n in range(50)))
    assert (got, asked) == (["t1"] * 50, 1)
    again = await asyncio.gather(*(processes[n % 10].replace("t1") for n in range(50)))
    assert (again, asked) == (["t2"] * 50, 2)
    for client in clients:
        await client.aclose()
