"""The Python call for other services: `producers.enqueue(mobile=…, reward_id=1001, key=…)`."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack

from redis import Redis

from config.accounts import Account
from config.endpoints import Servers
from config.settings import Settings
from issuance.job import Job
from ledger.audit_log import campaign_target
from ledger.campaigns import Campaign
from ledger.intake.acceptance import Act
from limiter.redis_connection import connect_sync
from operations.operators import process_operator
from operations.services import Services
from producers.accounts import choose_account, default_campaign
from producers.background import Enqueued, enqueue_job
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
from producers.forking import ForkSafe, call_in_child, calling
from producers.freezing import Freezer

if TYPE_CHECKING:
    # Imported with the first wake_up, so that commands without one do not load Celery.
    from broker.wake_up import WakeUp

_KNOWN_CAMPAIGNS = 10_000
"""Campaigns whose account is remembered: it never changes."""
_REDIS_SECONDS = 2
"""Longest wait for Redis: the caller is waiting, and a slower wake_up is not worth it."""


class Request(LineFields, total=False):
    """The arguments of `enqueue`: the fields of a line, further rewards, campaign and key.

    `producers.fields.line` describes the fields and their limits. Exactly one of `mobile`, `email`
    and `external_id` is required, and one of `reward_id` and `reward_external_id`.
    """

    more: Sequence[Reward]
    """More rewards for the customer in the same call, at most ISSUANCE_JOB_MAX_LINES in total."""
    account: str | None
    """The API account; None: the campaign's, or `default` for a new campaign."""
    campaign: str
    """The campaign to count it under, 1 to 255 characters; by default `background`, or
    `background-ACCOUNT` for another account than `default`."""
    country: str | None
    """The country of the mobile, as two letters such as IN; by default the account's."""
    key: str | None
    """Idempotency key, 1 to 255 characters: the same key with the same payload is accepted once.

    Without a key, every call issues.
    """
    traceparent: str | None
    """The caller's W3C trace context, as the header `traceparent` has it; by default that of
    OpenTelemetry's current span. One that is not valid is ignored: the trace begins here."""


class Producer:
    """Accepts background issuance; safe to share between threads.

    A process that forks may share it with its children, too: each opens its own connections.

    Args:
        settings: names the account and the ledger.
        servers: the servers' URLs; without a broker, jobs are accepted and released later.

    Raises:
        LedgerError: the ledger cannot be reached, or its schema or the deployment's secret does not
            fit.
    """

    def __init__(self, settings: Settings, servers: Servers) -> None:
        self._services = Services(settings, servers, connect_redis=_connect_redis)
        self._account_of: dict[str, str] = {}
        self._recorded: set[str] = set()
        self.ledger = self._services.open_ledger(create=True)
        self._services.use_ledger()
        _ = self._services.tracing  # before there are threads that could make two
        self._fork_safe = ForkSafe(self._services, self.ledger)

    @property
    def wake_up(self) -> "WakeUp | None":
        """Asks for a release now; None without a broker."""
        return self._services.wake_up

    def enqueue(self, **request: Unpack[Request]) -> Enqueued:
        """Accept a background issuance; it is stored in the ledger when this returns.

        Args:
            **request: the arguments that `Request` describes.

        Raises:
            RequestRefusedError: a value is wrong; `KeyReusedError` if the key was used before with
                another payload.
            AccountError: there is no such account.
            CampaignError: the campaign's name is wrong, or it was cancelled, or it belongs to
                another account.
            TypeError: an argument is unknown.
        """
        with calling():
            return self._enqueue(request)

    def _enqueue(self, request: Request) -> Enqueued:
        _check_names(request.keys())
        given: Mapping[str, Any] = request
        campaign = request.get("campaign") or default_campaign(request.get("account"))
        account = self._account(campaign, request.get("account"))
        enqueued = enqueue_job(
            self.ledger,
            Freezer.of(
                account,
                max_lines=self._services.settings.job_max_lines,
                max_quantity=self._services.settings.max_quantity,
                policy=self._services.settings.approval_policy,
            ),
            Identifiers(**_pick(given, IDENTIFIERS)),
            [Reward(**_pick(given, REWARD)), *request.get("more", ())],
            CallFields(**_pick(given, CALL)),
            campaign=campaign,
            country=request.get("country") or account.country or None,
            key=request.get("key"),
            traceparent=request.get("traceparent"),
            tracing=self._services.tracing,
            act=None if campaign in self._recorded else self._act,
        )
        self._record_once(campaign, enqueued)
        if len(self._account_of) < _KNOWN_CAMPAIGNS:
            self._account_of[campaign] = account.name
        if self.wake_up is not None:
            self.wake_up.request()
        return enqueued

    def _act(self, _job: Job, campaign: Campaign) -> Act:
        """Make the entry for this campaign; with one for each call, callers would take turns."""
        operator = process_operator("python", claimed=self._services.settings.operator)
        return Act(operator, campaign_target(campaign.name), "requests of a process")

    def _record_once(self, campaign: str, enqueued: Enqueued) -> None:
        """Remember that the campaign's entry was written: with the first new job."""
        if enqueued.is_new and campaign not in self._recorded:
            if len(self._recorded) >= _KNOWN_CAMPAIGNS:
                self._recorded.clear()
            self._recorded.add(campaign)

    def _account(self, campaign: str, given: str | None) -> Account:
        accounts = self._services.accounts
        known = given or self._account_of.get(campaign)
        return (
            accounts.get(known) if known else choose_account(self.ledger, accounts, campaign, None)
        )

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
    """Refuse unknown names, as Python does for an explicit signature."""
    unknown = sorted(set(given) - Request.__annotations__.keys())
    if unknown:
        wrong = [f"{name} is unknown" for name in unknown]
        raise TypeError(f"enqueue: {', '.join(wrong)}; see producers.producer.Request")


def _connect_redis(url: str) -> Redis:
    return connect_sync(url, wait_seconds=_REDIS_SECONDS)


class _Default:
    """The producer of `enqueue`, made by the first thread that needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._producer: Producer | None = None
        call_in_child(self._begin_child)

    def _begin_child(self) -> None:
        # Another thread of the parent may have held it; no thread of the child releases it.
        self._lock = threading.Lock()

    def get(self) -> Producer:
        with calling(), self._lock:
            if self._producer is None:
                services = Services.read()
                self._producer = Producer(services.settings, services.servers)
            return self._producer


_default = _Default()


def enqueue(**request: Unpack[Request]) -> Enqueued:
    """Accept a background issuance with the environment's settings; see `Producer.enqueue`.

    Raises:
        SettingsError: the environment's settings are wrong.
        LedgerError: the ledger cannot be reached.
    """
    return _default.get().enqueue(**request)
