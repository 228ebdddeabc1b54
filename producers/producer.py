"""The Python call for other services: `producers.enqueue(mobile="9198…", reward_id=1001, key="order-17")`."""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Self

from redis import Redis

from config.celery_app import create_app
from config.nudging import Nudge
from config.settings import Settings, read_settings
from config.site import Site
from ledger.book import Ledger
from producers.background import DEFAULT_CAMPAIGN, Enqueued, Reward, enqueue_job
from producers.freezing import Freezer


class Producer:
    """A way into the ledger for one process; safe to share between threads.

    Args:
        settings: whose account and ledger.
        site: where the parts are; without a broker jobs are accepted all the same and released later.

    Raises:
        LedgerError: the ledger cannot be reached, or its schema does not fit.
    """

    def __init__(self, settings: Settings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._freezer = Freezer.of(settings)
        self.ledger = Ledger(site.ledger_url)
        if not settings.ledger_url:
            # The embedded ledger is ours to make; a configured one is migrated by `issuance migrate`.
            self.ledger.migrate()
        self.ledger.check_schema()

    @cached_property
    def nudge(self) -> Nudge | None:
        """Asks for a release at once; None when no broker is there now."""
        if not (self._site.broker_url and self._site.redis_url):
            return None
        redis = Redis.from_url(self._site.redis_url, socket_timeout=2, socket_connect_timeout=2)
        return Nudge(create_app(self._settings, self._site), redis)

    def enqueue(
        self,
        *,
        reward_id: int,
        quantity: int = 1,
        mobile: str | None = None,
        email: str | None = None,
        external_id: str | None = None,
        payment_config_id: int | None = None,
        redemption_value: float | None = None,
        org_id: int | None = None,
        custom_fields: Mapping[str, str] | None = None,
        more: Sequence[Reward] = (),
        campaign: str = DEFAULT_CAMPAIGN,
        key: str | None = None,
        notes: str | None = None,
        event_log_id: str | None = None,
    ) -> Enqueued:
        """Accept a background issuance; when this returns, the ledger has it and it will not be lost.

        Args:
            reward_id: the reward.
            quantity: units, at least 1.
            mobile: the customer, with country code; give exactly one identifier.
            email: the customer.
            external_id: the customer.
            payment_config_id: where the reward has several payment configs.
            redemption_value: above 0; for rewards paid by conversion ratio.
            org_id: the reward's organisation (connected endpoint).
            custom_fields: name to value.
            more: further rewards of the customer, issued in the same call.
            campaign: what to count it under.
            key: idempotency key: the same key with the same payload is accepted once.
            notes: free text.
            event_log_id: the caller's correlation id.

        Raises:
            RequestRefusedError: a value is wrong; `KeyReusedError` when the key came with another payload before.
            CampaignError: the campaign's name is wrong, or it was cancelled.
        """
        first = Reward(reward_id, quantity, payment_config_id, redemption_value, org_id, custom_fields or {})
        enqueued = enqueue_job(
            self.ledger,
            self._freezer,
            {"mobile": mobile, "email": email, "externalId": external_id},
            [first, *more],
            campaign=campaign,
            key=key,
            notes=notes,
            event_log_id=event_log_id,
        )
        if self.nudge is not None:
            self.nudge.give()
        return enqueued

    def close(self) -> None:
        """Close the connections."""
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@cache
def _default() -> Producer:
    settings = read_settings()
    return Producer(settings, Site.of(settings))


def enqueue(
    *,
    reward_id: int,
    quantity: int = 1,
    mobile: str | None = None,
    email: str | None = None,
    external_id: str | None = None,
    payment_config_id: int | None = None,
    redemption_value: float | None = None,
    org_id: int | None = None,
    custom_fields: Mapping[str, str] | None = None,
    more: Sequence[Reward] = (),
    campaign: str = DEFAULT_CAMPAIGN,
    key: str | None = None,
    notes: str | None = None,
    event_log_id: str | None = None,
) -> Enqueued:
    """Accept a background issuance with the settings of the environment; see `Producer.enqueue`.

    Raises:
        SettingsError: the environment's settings are wrong.
        LedgerError: the ledger cannot be reached.
    """
    return _default().enqueue(
        reward_id=reward_id,
        quantity=quantity,
        mobile=mobile,
        email=email,
        external_id=external_id,
        payment_config_id=payment_config_id,
        redemption_value=redemption_value,
        org_id=org_id,
        custom_fields=custom_fields,
        more=more,
        campaign=campaign,
        key=key,
        notes=notes,
        event_log_id=event_log_id,
    )
