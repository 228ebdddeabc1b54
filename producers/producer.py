"""The Python call for other services: `producers.enqueue(mobile=…, reward_id=1001, key=…)`."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Self, Unpack

from redis import Redis

from config.endpoints import Site
from config.settings import Settings
from operations.services import Services
from producers.background import DEFAULT_CAMPAIGN, Enqueued, enqueue_job
from producers.fields.field import Described
from producers.fields.line import (
    CALL,
    IDENTIFIERS,
    REWARD,
    CallFields,
    Identifiers,
    LineFields,
    Reward,
)
from producers.freezing import Freezer

if TYPE_CHECKING:
    # Loaded with the first wake_up: commands that give none need not wait for Celery.
    from broker.wake_up import WakeUp

_REDIS_SECONDS = 2
"""A producer's caller waits for an answer: a wake_up that takes longer is not worth it."""


class Request(LineFields, total=False):
    """What `enqueue` takes: the fields of a line, and how the request is remembered.

    `producers.fields.line` describes the fields and their limits. `reward_id` is required, and
    exactly one of `mobile`, `email` and `external_id`.
    """

    more: Sequence[Reward]
    """Further rewards for the customer in the same call, at most ISSUANCE_JOB_MAX_LINES in all."""
    campaign: str
    """What to count it under, 1 to 255 characters; `background` when not given."""
    key: str | None
    """Idempotency key, 1 to 255 characters: the same key with the same payload is accepted once.

    Without one, every call issues.
    """


class Producer:
    """A way into the ledger for one process; safe to share between threads.

    Args:
        settings: whose account and ledger.
        site: where the parts are; without a broker, jobs are accepted and released later.

    Raises:
        LedgerError: the ledger cannot be reached, or its schema does not fit.
    """

    def __init__(self, settings: Settings, site: Site) -> None:
        self._services = Services(settings, site, connect_redis=_connect_redis)
        self._freezer = Freezer.of(settings)
        self.ledger = self._services.open_ledger()

    @property
    def wake_up(self) -> "WakeUp | None":
        """Asks for a release at once; None when no broker is there now."""
        return self._services.wake_up

    def enqueue(self, **request: Unpack[Request]) -> Enqueued:
        """Accept a background issuance; when this returns, the ledger has it and it will not be lost.

        Args:
            **request: what `Request` names.

        Raises:
            RequestRefusedError: a value is wrong; `KeyReusedError` when the key came with another
                payload before.
            CampaignError: the campaign's name is wrong, or it was cancelled.
            TypeError: an argument is missing or unknown.
        """
        _check_names(request.keys())
        given: Mapping[str, Any] = request
        enqueued = enqueue_job(
            self.ledger,
            self._freezer,
            Identifiers(**_pick(given, IDENTIFIERS)),
            [Reward(**_pick(given, REWARD)), *request.get("more", ())],
            CallFields(**_pick(given, CALL)),
            campaign=request.get("campaign", DEFAULT_CAMPAIGN),
            key=request.get("key"),
        )
        if self.wake_up is not None:
            self.wake_up.request()
        return enqueued

    def close(self) -> None:
        """Close the connections."""
        self.ledger.close()
        self._services.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pick(given: Mapping[str, Any], described: Iterable[Described]) -> dict[str, Any]:
    return {each.key: given[each.key] for each in described if each.key in given}


def _check_names(given: Iterable[str]) -> None:
    """Refuse unknown and missing names, as Python does for a spelled-out signature."""
    unknown = sorted(set(given) - Request.__annotations__.keys())
    missing = sorted(Request.__required_keys__ - set(given))
    if unknown or missing:
        wrong = [f"{name} is unknown" for name in unknown] + [
            f"{name} is missing" for name in missing
        ]
        raise TypeError(f"enqueue: {', '.join(wrong)}; see producers.producer.Request")


def _connect_redis(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS)


@cache
def _default() -> Producer:
    services = Services.read()
    return Producer(services.settings, services.site)


def enqueue(**request: Unpack[Request]) -> Enqueued:
    """Accept a background issuance with the settings of the environment; see `Producer.enqueue`.

    Raises:
        SettingsError: the environment's settings are wrong.
        LedgerError: the ledger cannot be reached.
    """
    return _default().enqueue(**request)
