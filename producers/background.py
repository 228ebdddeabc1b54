"""Background issuance: another service requests one customer's rewards in one call."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import structlog

from issuance.approval_policy import NO_POLICY
from issuance.customer import Customer, IdentifierKind
from issuance.display import show
from issuance.errors import ExplainedError
from issuance.job import Job, Lane
from issuance.request_id import fresh_request_id, keyed_request_id
from ledger.campaigns import Campaign, ensure_campaign
from ledger.expected_points import expected_points_of
from ledger.intake.acceptance import Act, Bounds, Conflict, accept, find_conflict
from ledger.store.database import Ledger
from operations.tracing.current import caller_context
from producers.acceptance_spans import AcceptanceSpans
from producers.fields.country import mobile_rule
from producers.fields.field import Described, Rule
from producers.fields.line import (
    CALL,
    IDENTIFIERS,
    NO_CALL_FIELDS,
    REWARD,
    CallFields,
    Identifiers,
    Reward,
)
from producers.fields.reading import bare
from producers.fields.refusal import Refusal
from producers.freezing import Freezer
from producers.lint.call_rules import find_undocumented
from producers.lint.ceiling import exceeds, too_many_units

if TYPE_CHECKING:
    from operations.tracing.spans import Tracing

_Fields = TypeVar("_Fields", Identifiers, Reward, CallFields)

log = structlog.get_logger("issuance.producers")

DEFAULT_CAMPAIGN = "background"
_LONGEST_KEY = 255


class RequestRefusedError(ExplainedError):
    """The request was not accepted: nothing is recorded, and nothing will be sent.

    Attributes:
        field: the argument at fault; "" for the request as a whole.
        problem: what is wrong with it.
        remedy: what to do about it.
    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}" if field else f"{problem}; {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class KeyReusedError(RequestRefusedError):
    """The idempotency key was used before with another payload."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """An accepted request."""

    request_ids: tuple[str, ...]
    """One for each reward, in order."""
    is_new: bool
    """False if the same key and payload were accepted before, so that nothing was added."""

    @property
    def request_id(self) -> str:
        """The first reward's requestId, which is also the job's id."""
        return self.request_ids[0]


def enqueue_job(
    ledger: Ledger,
    freezer: Freezer,
    identifiers: Identifiers,
    rewards: Sequence[Reward],
    call: CallFields = NO_CALL_FIELDS,
    *,
    campaign: str = DEFAULT_CAMPAIGN,
    country: str | None = None,
    key: str | None = None,
    traceparent: str | None = None,
    tracing: "Tracing | None" = None,
    act: Callable[[Job, Campaign], Act] | None = None,
) -> Enqueued:
    """Accept one job for background issuance.

    Args:
        ledger: the record.
        freezer: makes the body; its account is the campaign's.
        identifiers: exactly one must be given.
        rewards: 1 to ISSUANCE_JOB_MAX_LINES, which are issued in one call.
        call: the fields that apply to all rewards.
        campaign: the campaign to count it under.
        country: the country of the mobile, as two letters; None: it has its country code.
        key: the caller's idempotency key, 1 to 255 characters: repeating the call with the same key
            and payload adds nothing. Without a key, every call issues.
        traceparent: the caller's W3C trace context; None: that of the current span, if there is
            one. One that is not valid is ignored.
        tracing: makes the spans; None: there are none.
        act: makes the entry of the audit log; None: there is one for earlier calls of this caller.

    Raises:
        RequestRefusedError: a value is wrong, or the endpoint cannot issue it.
        KeyReusedError: the key was used before with another payload.
        CampaignError: the campaign's name is wrong, or it was cancelled, or it belongs to another
            account.
    """
    customer = read_customer(identifiers, country)
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise RequestRefusedError(
            "key", f"it has {len(key)} characters", f"give 1 to {_LONGEST_KEY}"
        )
    if not rewards:
        raise RequestRefusedError("rewards", "there are none", "give at least one")
    checked = [_checked(reward, REWARD) for reward in rewards]
    # Without fields, the shared object stays, which costs nothing to freeze.
    checked_call = call if call == NO_CALL_FIELDS else _checked(call, CALL)
    job = _freeze(freezer, customer, checked, checked_call, key)
    if key is None and any(exceeds(line, freezer.max_quantity) for line in job.lines):
        # A call without a key is always new: refuse it at once.
        raise _above_ceiling(job, freezer)
    bounds = _bounds(ledger, freezer, campaign, job)

    def check() -> None:
        if (found := find_conflict(ledger, job, bounds)) is not None:
            raise _conflicting(found, freezer)

    into = ensure_campaign(ledger, campaign, account=freezer.account, before_creating=check)
    spans = AcceptanceSpans(tracing, into.name, freezer.account, caller_context(traceparent))
    acceptance = accept(
        ledger,
        into,
        spans.begin([job]),
        bounds=bounds,
        act=None if act is None else act(job, into),
    )
    spans.end(acceptance.accepted)
    if acceptance.conflicts:
        raise _conflicting(acceptance.conflicts[0], freezer)
    request_ids = tuple(line.request_id for line in job.lines)
    for request_id in request_ids:
        log.info(
            "request_accepted",
            request_id=request_id,
            campaign=into.name,
            is_new=bool(acceptance.accepted),
        )
    if (finding := find_undocumented(checked_call, freezer.variant)) is not None:
        log.warning(
            "request_doubtful",
            request_id=job.id,
            campaign=into.name,
            field=finding.field,
            problem=finding.problem,
        )
    return Enqueued(request_ids, bool(acceptance.accepted))


def _freeze(
    freezer: Freezer,
    customer: Customer,
    rewards: Sequence[Reward],
    call: CallFields,
    key: str | None,
) -> Job:
    try:
        lines = tuple(
            freezer.line(
                fresh_request_id() if key is None else keyed_request_id(key, position=position),
                reward,
                call=call,
            )
            for position, reward in enumerate(rewards)
        )
        freezer.check(call, lines)
        return freezer.freeze(customer, lines, lane=Lane.BACKGROUND, call=call)
    except Refusal as refusal:
        raise RequestRefusedError(refusal.field, refusal.problem, refusal.remedy) from None


def _bounds(ledger: Ledger, freezer: Freezer, campaign: str, job: Job) -> Bounds:
    """Return what is accepted of one request: no second person can approve it."""
    if not freezer.policy.is_set:
        return freezer.bounds
    return freezer.bounds._replace(
        needs_approval=bool(_excess(ledger, freezer, campaign, job)), policy=NO_POLICY
    )


def _excess(ledger: Ledger, freezer: Freezer, campaign: str, job: Job) -> str:
    points = None
    if freezer.policy.points is not None:
        points = expected_points_of(ledger, campaign, job.lines)
    return freezer.policy.excess(sum(line.quantity for line in job.lines), points)


def _above_ceiling(job: Job, freezer: Freezer) -> RequestRefusedError:
    refusal = too_many_units(job.lines, freezer.max_quantity or 0)
    return RequestRefusedError(refusal.field, refusal.problem, refusal.remedy)


def _conflicting(conflict: Conflict, freezer: Freezer) -> RequestRefusedError:
    if conflict.kind == "quantity":
        return _above_ceiling(conflict.job, freezer)
    if conflict.kind == "ceiling":
        return RequestRefusedError(
            "",
            "it needs the approval of a second person, which a single request cannot have",
            "ask for less, or accept it from a file: issuance blast FILE --campaign NAME --draft. "
            "The ceilings are ISSUANCE_APPROVAL_UNITS and ISSUANCE_APPROVAL_POINTS; a reward's "
            "points are stored by issuance campaign set NAME --rewards FILE",
        )
    if conflict.kind == "number":
        return RequestRefusedError(
            "transaction_number",
            f"{show(conflict.job.transaction_number or '')} is the number of another job",
            "give each call a transactionNumber of its own, or none",
        )
    return KeyReusedError(
        "key",
        "it was used before with another payload or campaign",
        "use a new key for a new request",
    )


def read_customer(identifiers: Identifiers, country: str | None) -> Customer:
    """Return the one customer that is given, whatever the spelling.

    Args:
        identifiers: exactly one must be given.
        country: the country of a mobile, as two letters; None: it has its country code.

    Raises:
        RequestRefusedError: it is not exactly one, or its value is wrong.
    """
    given = [each for each in IDENTIFIERS if getattr(identifiers, each.key) is not None]
    if len(given) != 1:
        raise RequestRefusedError(
            "customer",
            f"{len(given)} identifiers are given",
            "give exactly one of mobile, email, external id",
        )
    kind = given[0].field.name
    if kind == "mobile" and country:
        value = _apply(kind, _mobile_rule(country), identifiers.mobile)
    else:
        value = getattr(_checked(identifiers, given), given[0].key)
    if value is None:
        raise RequestRefusedError(kind, "it is blank", "give the customer's identifier")
    return Customer(cast("IdentifierKind", kind), value)


def _mobile_rule(country: str) -> Rule:
    try:
        return mobile_rule(country)
    except ValueError as error:
        raise RequestRefusedError("country", str(error), "correct it") from None


def _checked(owner: _Fields, described: Iterable[Described]) -> _Fields:
    """Apply the same rules as for the columns of a campaign's file."""
    return replace(
        owner, **{each.key: _check(each, getattr(owner, each.key)) for each in described}
    )


def _check(described: Described, given: Any) -> Any:
    if described.is_list:
        return tuple(
            replace(item, **{part.key: _check(part, getattr(item, part.key)) for part in parts})
            for item in _items(described, given)
            for parts in [described.parts]
        )
    if described.is_map:
        return {
            name: _required(name, described.field.rule, value)
            for name, value in (given or {}).items()
        }
    name = described.field.name if described in IDENTIFIERS else described.key
    if described.is_optional:
        return _apply(name, described.field.rule, given)
    return _required(name, described.field.rule, given)


def _items(described: Described, given: Any) -> tuple[Any, ...]:
    items = tuple(given or ())
    if not all(isinstance(item, described.item) for item in items):
        raise RequestRefusedError(
            described.key, "an item has another type", f"give producers.{described.item.__name__}"
        )
    return items


def _apply(name: str, rule: Rule, value: object) -> Any:
    if value is None:
        return None
    try:
        return bare(rule(str(value)))
    except Refusal as refusal:
        raise RequestRefusedError(name, refusal.problem, refusal.remedy) from None


def _required(name: str, rule: Rule, value: object) -> Any:
    checked = _apply(name, rule, value)
    if checked is None:
        raise RequestRefusedError(name, "it is missing", "give a value")
    return checked
