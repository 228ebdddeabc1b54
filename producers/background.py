"""Background issuance: one customer's reward, asked for by another service, in one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from issuance.customer import Customer, IdentifierKind
from issuance.errors import ExplainedError
from issuance.job import Lane, Line
from issuance.request_id import fresh_request_id, keyed_request_id
from ledger.campaigns import ensure_campaign
from ledger.intake.acceptance import accept
from ledger.store.database import Ledger
from producers.freezing import Freezer, reward_fields
from producers.source import rules
from producers.source.refusal import Refusal

log = structlog.get_logger("issuance.producers")

DEFAULT_CAMPAIGN = "background"
_LONGEST_KEY = 255


class RequestRefusedError(ExplainedError):
    """The request was not accepted: nothing was recorded, nothing will be sent.

    Attributes:
        field: what is wrong, in this module's spelling; "" for the request as a whole.
        problem: how.
        remedy: what to do.
    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}" if field else f"{problem}; {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class KeyReusedError(RequestRefusedError):
    """The idempotency key is known with another payload."""


@dataclass(frozen=True, slots=True)
class Reward:
    """One reward to issue; the limits of each field are those of a campaign file's columns."""

    reward_id: int
    quantity: int = 1
    payment_config_id: int | None = None
    redemption_value: float | None = None
    org_id: int | None = None
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    points: float | None = None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """An accepted request."""

    request_ids: tuple[str, ...]
    """One for each reward, in order."""
    is_new: bool
    """False: the same key and payload were accepted before, and nothing was added."""

    @property
    def request_id(self) -> str:
        """The first reward's requestId, which is also the job's id."""
        return self.request_ids[0]


def enqueue_job(
    ledger: Ledger,
    freezer: Freezer,
    identifiers: Mapping[IdentifierKind, str | None],
    rewards: Sequence[Reward],
    *,
    campaign: str = DEFAULT_CAMPAIGN,
    key: str | None = None,
    notes: str | None = None,
    event_log_id: str | None = None,
) -> Enqueued:
    """Accept one job for background issuance.

    Args:
        ledger: the record.
        freezer: makes the body.
        identifiers: exactly one must be given.
        rewards: one or more, as many as ISSUANCE_JOB_MAX_LINES; they travel in one call.
        campaign: what to count it under.
        key: the caller's idempotency key, 1 to 255 characters: repeating the call with the same key
            and payload adds nothing. Without one, every call issues.
        notes: free text.
        event_log_id: the caller's correlation id.

    Raises:
        RequestRefusedError: a value is wrong, or the endpoint cannot issue it.
        KeyReusedError: the key is known with another payload.
        CampaignError: the campaign's name is wrong, or it was cancelled.
    """
    customer = _customer(identifiers)
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise RequestRefusedError(
            "key", f"it has {len(key)} characters", f"give 1 to {_LONGEST_KEY}"
        )
    if not rewards:
        raise RequestRefusedError("rewards", "there are none", "give at least one")
    lines = [
        _line(
            reward, fresh_request_id() if key is None else keyed_request_id(key, position=position)
        )
        for position, reward in enumerate(rewards)
    ]
    try:
        job = freezer.freeze(
            customer,
            lines,
            lane=Lane.BACKGROUND,
            notes=_checked("notes", rules.text, notes),
            event_log_id=_checked("event_log_id", rules.text, event_log_id),
        )
    except Refusal as refusal:
        raise RequestRefusedError(refusal.field, refusal.problem, refusal.remedy) from None
    acceptance = accept(ledger, ensure_campaign(ledger, campaign), [job])
    if acceptance.conflicts:
        raise KeyReusedError(
            "key",
            "it was used before with another payload or campaign",
            "use a new key for a new request",
        )
    request_ids = tuple(line.request_id for line in job.lines)
    for request_id in request_ids:
        log.info(
            "request_accepted",
            request_id=request_id,
            campaign=campaign,
            is_new=bool(acceptance.accepted),
        )
    return Enqueued(request_ids, bool(acceptance.accepted))


def _customer(identifiers: Mapping[IdentifierKind, str | None]) -> Customer:
    given = [(kind, value) for kind, value in identifiers.items() if value is not None]
    if len(given) != 1:
        raise RequestRefusedError(
            "customer",
            f"{len(given)} identifiers are given",
            "give exactly one of mobile, email, external id",
        )
    [(kind, value)] = given
    rule = {"mobile": rules.mobile, "email": rules.email, "externalId": rules.external_id}[kind]
    checked = _checked(kind, rule, value)
    if checked is None:
        raise RequestRefusedError(kind, "it is blank", "give the customer's identifier")
    return Customer(kind, checked)


def _line(reward: Reward, request_id: str) -> Line:
    whole = rules.positive_integer(rules.LARGEST_ID)
    units = rules.positive_integer(rules.LARGEST_QUANTITY)
    return Line(
        request_id=request_id,
        reward_id=_required("reward_id", whole, reward.reward_id),
        quantity=_required("quantity", units, reward.quantity),
        org_id=_checked("org_id", whole, reward.org_id),
        fields=reward_fields(
            payment_config_id=_checked("payment_config_id", whole, reward.payment_config_id),
            redemption_value=_checked("redemption_value", rules.amount, reward.redemption_value),
            points=_checked("points", rules.amount, reward.points),
            custom_fields={
                name: _required(name, rules.text, value)
                for name, value in reward.custom_fields.items()
            },
        ),
    )


def _checked(name: str, rule: Any, value: object) -> Any:
    """Apply the rule of a campaign file's column, so that both ways in accept the same values."""
    if value is None:
        return None
    try:
        return rule(str(value))
    except Refusal as refusal:
        raise RequestRefusedError(name, refusal.problem, refusal.remedy) from None


def _required(name: str, rule: Any, value: object) -> Any:
    checked = _checked(name, rule, value)
    if checked is None:
        raise RequestRefusedError(name, "it is missing", "give a value")
    return checked
