"""When and by which process a token is renewed, and the effect of a failed renewal."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from rewards_api.token_store import MemoryTokenStore
from rewards_api.tokens import Token, Tokens, TokenUnavailableError


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Endpoint:
    """Returns t1, t2, … valid for 100 s, or raises `error`; waits while `open` is cleared."""

    def __init__(self):
        self.given = 0
        self.error = None
        self.asked = 0
        self.waiting = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self):
        self.asked += 1
        self.waiting.set()
        await self.open.wait()
        if self.error:
            raise self.error
        self.given += 1
        return Token(f"t{self.given}", 100, 100)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def endpoint():
    return Endpoint()


@pytest.fixture
def store(clock):
    return MemoryTokenStore(clock)


@pytest.fixture
async def tokens(endpoint, store, clock):
    made = Tokens(endpoint, store, clock)
    yield made
    await made.aclose()


async def settle(tokens):
    """Wait until a renewal in the background ends."""
    await asyncio.gather(*([tokens._renewing] if tokens._renewing else []))


async def test_a_token_is_kept_for_four_fifths_of_its_lifetime(tokens, endpoint, clock):
    assert await tokens.current() == "t1"
    clock.now += 79.9
    assert await tokens.current() == "t1"
    assert endpoint.asked == 1


async def test_after_four_fifths_of_its_lifetime_a_token_is_renewed_while_calls_still_use_it(
    tokens, endpoint, clock
):
    await tokens.current()
    clock.now += 81
    endpoint.open.clear()
    assert await tokens.current() == "t1"
    endpoint.open.set()
    await settle(tokens)
    assert await tokens.current() == "t2"


async def test_calls_wait_for_a_new_token_after_the_old_one_expired(tokens, clock):
    await tokens.current()
    clock.now += 100
    assert await tokens.current() == "t2"


async def test_a_token_shared_by_another_process_is_used(tokens, endpoint, store):
    await store.write(Token("shared", 100, 100))
    assert await tokens.current() == "shared"
    assert endpoint.asked == 0


async def test_a_shared_token_near_its_expiry_is_not_used(tokens, store):
    await store.write(Token("shared", 100, 19))
    assert await tokens.current() == "t1"


async def test_a_refused_token_is_replaced_once_for_all_its_users(tokens, endpoint):
    refused = await tokens.current()
    assert await asyncio.gather(*(tokens.replace(refused) for _ in range(20))) == ["t2"] * 20
    assert await tokens.replace(refused) == "t2"
    assert endpoint.asked == 2


async def test_a_refused_token_is_replaced_by_the_newer_one_of_another_process(
    tokens, endpoint, store
):
    refused = await tokens.current()
    await store.write(Token("newer", 100, 100))
    assert await tokens.replace(refused) == "newer"
    assert endpoint.asked == 1


async def test_a_running_renewal_cannot_restore_a_refused_token(endpoint, clock):
    releasing, go_on = asyncio.Event(), asyncio.Event()

    class SlowStore(MemoryTokenStore):
        @asynccontextmanager
        async def lock(self):
            if not releasing.is_set():
                await self.write(Token("refused", 100, 100))  # by another process, just before
            yield
            releasing.set()
            await go_on.wait()

    tokens = Tokens(endpoint, SlowStore(clock), clock)
    first = asyncio.create_task(tokens.current())
    await releasing.wait()
    replaced = asyncio.create_task(tokens.replace("refused"))
    await asyncio.sleep(0)
    go_on.set()
    assert await first == "refused"
    assert await replaced == "t1"
    assert await tokens.current() == "t1"


async def test_a_cancelled_call_does_not_cancel_the_renewal(tokens, endpoint):
    endpoint.open.clear()
    impatient, patient = (
        asyncio.create_task(tokens.current()),
        asyncio.create_task(tokens.current()),
    )
    await endpoint.waiting.wait()
    impatient.cancel()
    endpoint.open.set()
    assert await patient == "t1"
    assert endpoint.asked == 1


async def test_a_missing_token_is_an_error_that_says_refused_or_unavailable(
    tokens, endpoint, clock
):
    endpoint.error = TokenUnavailableError("HTTP 503")
    with pytest.raises(TokenUnavailableError, match=r"^unavailable: HTTP 503"):
        await tokens.current()
    clock.now += 1
    endpoint.error = TokenUnavailableError("HTTP 401", refused=True)
    with pytest.raises(TokenUnavailableError, match=r"^refused: HTTP 401"):
        await tokens.current()


async def test_a_failure_answers_for_all_calls_of_the_next_second(tokens, endpoint, clock):
    endpoint.error = TokenUnavailableError("HTTP 503")
    for _ in range(5):
        with pytest.raises(TokenUnavailableError):
            await tokens.current()
    assert endpoint.asked == 1
    clock.now += 1
    endpoint.error = None
    assert await tokens.current() == "t1"


async def test_a_refusal_is_logged_as_an_error_once_with_the_remedy(tokens, endpoint, clock):
    endpoint.error = TokenUnavailableError("HTTP 401", refused=True)
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(TokenUnavailableError):
                await tokens.current()
            clock.now += 60
    assert endpoint.asked == 3
    (entry,) = logs
    assert (entry["event"], entry["log_level"]) == ("api_token_refused", "error")
    assert "ISSUANCE_API_CLIENT_KEY" in entry["remedy"]


async def test_a_refusal_after_a_success_is_logged_again(tokens, endpoint, clock):
    refusal = TokenUnavailableError("HTTP 401", refused=True)
    with capture_logs() as logs:
        for error in (refusal, None, refusal):
            endpoint.error = error
            await asyncio.gather(tokens.current(), return_exceptions=True)
            clock.now += 200
    assert [entry["event"] for entry in logs] == ["api_token_refused", "api_token_refused"]


async def test_a_failed_renewal_does_not_stop_calls_while_the_old_token_is_valid(
    tokens, endpoint, clock
):
    await tokens.current()
    clock.now += 90
    endpoint.error = TokenUnavailableError("HTTP 503")
    assert await tokens.current() == "t1"
    await settle(tokens)
    assert await tokens.current() == "t1"


async def test_closing_stops_a_renewal_and_fails_the_waiting_calls(tokens, endpoint):
    endpoint.open.clear()
    waiting = asyncio.create_task(tokens.current())
    await endpoint.waiting.wait()
    await tokens.aclose()
    with pytest.raises(TokenUnavailableError, match="being closed"):
        await waiting
