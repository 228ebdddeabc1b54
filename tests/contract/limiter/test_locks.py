"""Over all workers, a customer has one call at a time."""

import asyncio

import pytest

from issuance.customer import Customer
from issuance.fingerprints import Fingerprints
from limiter.customer_locks import CustomerLocks
from limiter.keys import lock_key


@pytest.fixture
async def locks(redis, account) -> CustomerLocks:
    return CustomerLocks(redis, account)


async def test_free_customers_are_locked_in_one_step(locks):
    assert await locks.acquire("claim-1", ["a", "b", "c"], 30) == {"a", "b", "c"}


async def test_a_customer_locked_by_another_owner_is_not_locked(locks):
    await locks.acquire("claim-1", ["a"], 30)
    assert await locks.acquire("claim-2", ["a", "b"], 30) == {"b"}


async def test_the_same_owner_can_extend_its_locks(locks, redis, account):
    await locks.acquire("claim-1", ["a"], 5)
    assert await locks.acquire("claim-1", ["a", "a"], 300) == {"a"}
    (key,) = [key async for key in redis.scan_iter(lock_key(account, "*"))]
    assert await redis.pttl(key) > 200_000


async def test_release_frees_only_the_owners_locks(locks):
    await locks.acquire("claim-1", ["a"], 30)
    await locks.acquire("claim-2", ["b"], 30)
    await locks.release("claim-2", ["a", "b", "never locked"])
    assert await locks.acquire("claim-3", ["a", "b"], 30) == {"b"}


async def test_a_lock_of_a_dead_owner_expires(locks):
    await locks.acquire("dead", ["a"], 0.1)
    await acquire_with_retries(locks, "next")


async def test_an_expired_lock_with_a_new_owner_is_not_released(locks):
    await locks.acquire("slow", ["a"], 0.05)
    await acquire_with_retries(locks, "next")
    await locks.release("slow", ["a"])
    assert await locks.acquire("third", ["a"], 30) == set()


async def test_a_chunk_without_customers_locks_nothing(locks):
    assert await locks.acquire("claim-1", [], 30) == set()
    await locks.release("claim-1", [])


async def test_with_many_workers_each_customer_has_one_holder(clients, account):
    fingerprints = [f"customer-{number}" for number in range(50)]
    workers = [CustomerLocks(await clients.redis(), account) for _ in range(4)]
    held = await asyncio.gather(
        *(
            worker.acquire(f"claim-{number}", fingerprints, 30)
            for number, worker in enumerate(workers)
        )
    )
    assert sorted(fingerprint for group in held for fingerprint in group) == sorted(fingerprints)


async def test_redis_never_sees_a_customers_identifier(locks, redis, account):
    customer = Customer("mobile", "919800000001")
    fingerprint = Fingerprints(bytes(32)).of(customer)
    await locks.acquire("claim-1", [fingerprint], 30)
    keys = [key async for key in redis.scan_iter(lock_key(account, "*"))]
    assert keys == [lock_key(account, fingerprint)]
    assert customer.value not in keys[0]


async def acquire_with_retries(locks: CustomerLocks, owner: str) -> None:
    async with asyncio.timeout(5):
        while await locks.acquire(owner, ["a"], 30) != {"a"}:  # noqa: ASYNC110  # the event is the server's
            await asyncio.sleep(0.02)
