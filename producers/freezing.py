"""Freezing: turns a good row or a background request into a job whose body never changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from config.accounts import Account
from config.settings import Settings
from issuance.account import DEFAULT_ACCOUNT
from issuance.approval_policy import NO_POLICY, ApprovalPolicy
from issuance.customer import Customer
from issuance.data_scope import ScopeKind, scope_of
from issuance.endpoint import Variant
from issuance.job import NO_FIELDS, NO_ORGS, Job, Lane, Line, freeze_body
from ledger.intake.acceptance import Bounds
from producers.fields.body import BodyWriter, body_writer
from producers.fields.line import NO_CALL_FIELDS, CallFields, Reward
from producers.fields.refusal import Refusal
from producers.lint.call_rules import check_call, check_orgs
from producers.lint.endpoint_rules import check_line_count, check_units
from producers.lint.payment_rules import check_amounts, check_reference

_Parts = tuple[Mapping[str, Any], Mapping[str, Any]]
_NO_PARTS: _Parts = (NO_FIELDS, NO_FIELDS)


def _now() -> datetime:
    return datetime.now(UTC)


class _LatestCall:
    """The parts of a body that the latest call gave: most rows of a file have the same."""

    def __init__(self, writer: BodyWriter) -> None:
        self._writer = writer
        self._known: tuple[CallFields, _Parts] = (NO_CALL_FIELDS, _NO_PARTS)

    def read(self, call: CallFields, now: Callable[[], datetime]) -> _Parts:
        """Check a call, and write what it says once and to each organisation."""
        known, parts = self._known
        if call is known:
            return parts
        check_call(call, now())
        parts = self._writer.shared(call), self._writer.org(call)
        self._known = call, parts
        return parts


@dataclass(frozen=True)
class Freezer:
    """Freezes jobs for one API account's endpoint.

    Raises:
        Refusal: raised by the methods when the endpoint cannot issue the request.
    """

    variant: Variant
    brand: str
    email_key: str
    own_org_id: int | None
    """The organisation of lines without one (connected endpoint)."""
    max_lines: int
    """The most lines of one job."""
    data_scope: ScopeKind = ScopeKind.SELF
    """The scope of calls whose row gives none (connected endpoint)."""
    account: str = DEFAULT_ACCOUNT
    """The account's name, for messages."""
    max_quantity: int | None = None
    """The most units of a new line, which acceptance enforces; None: no ceiling."""
    policy: ApprovalPolicy = NO_POLICY
    """When a second person must approve, which acceptance enforces."""
    snake_group_keys: bool = False
    """Whether the keys of group ids are spelled with underscores."""
    now: Callable[[], datetime] = _now
    """The clock; times of events are compared with it."""

    @classmethod
    def of(
        cls,
        account: Account,
        *,
        max_lines: int,
        max_quantity: int | None,
        policy: ApprovalPolicy = NO_POLICY,
        data_scope: ScopeKind | None = None,
    ) -> "Freezer":
        """Make a freezer for an account.

        Args:
            account: the account of the jobs' campaign.
            max_lines: the most lines of one job.
            max_quantity: the most units of a new line; None: no ceiling.
            policy: when a second person must approve.
            data_scope: the scope of jobs that give none; None: the account's.

        Raises:
            ValueError: the account's endpoint has no scopes, and one is given.
        """
        if data_scope is not None and not account.variant.endpoint.scoped:
            raise ValueError(
                f"--data-scope: the {account.variant} endpoint of account {account.name} has no "
                "data scopes: leave it out, or use an account of the connected endpoint"
            )
        org = account.own_org
        return cls(
            account.variant,
            account.brand,
            account.body_email_key,
            int(org) if org.isdigit() else None,
            max_lines,
            data_scope or account.data_scope,
            account.name,
            max_quantity=max_quantity,
            policy=policy,
            snake_group_keys=account.snake_group_keys,
        )

    @classmethod
    def of_settings(
        cls,
        settings: Settings,
        account: Account | None = None,
        data_scope: ScopeKind | None = None,
    ) -> "Freezer":
        """Make a freezer with the bounds of the settings; None: for the account `default`.

        Raises:
            ValueError: the account's endpoint has no scopes, and one is given.
        """
        return cls.of(
            account or Account.of_settings(settings),
            max_lines=settings.job_max_lines,
            max_quantity=settings.max_quantity,
            policy=settings.approval_policy,
            data_scope=data_scope,
        )

    @property
    def bounds(self) -> Bounds:
        """What acceptance allows of what it freezes."""
        return Bounds(self.max_quantity, self.policy)

    @cached_property
    def _writer(self) -> BodyWriter:
        return body_writer(self.variant, snake=self.snake_group_keys)

    @cached_property
    def _latest(self) -> "_LatestCall":
        return _LatestCall(self._writer)

    def check(self, call: CallFields, lines: Sequence[Line]) -> None:
        """Check the fields of a call, and that its lines fit into it.

        Args:
            call: the fields, after their own rules.
            lines: the lines that `line` has made for it.
        """
        if len(lines) > 1:
            check_line_count(self.variant, len(lines), self.max_lines)
        if call is NO_CALL_FIELDS:
            return
        self._latest.read(call, self.now)
        if call.org_details:
            check_orgs(call.org_details, [line.org_id for line in lines])

    def line(
        self,
        request_id: str,
        reward: Reward,
        source_line: int = 0,
        call: CallFields = NO_CALL_FIELDS,
    ) -> Line:
        """Make the line of a reward for the configured endpoint.

        Args:
            request_id: the line's requestId.
            reward: the requested reward, after its fields' rules.
            source_line: 1-based line of the campaign's file; 0: not from a file.
            call: the fields of its call.
        """
        endpoint = self.variant.endpoint
        # Most rewards have an id, one unit and no amounts: no rule can refuse them.
        if reward.reward_id is None or reward.reward_external_id is not None:
            check_reference(reward, self.variant)
        if reward.quantity > 1:
            check_units(self.variant, reward.quantity)
        if reward.points is not None:
            check_amounts(reward)
        org_id = reward.org_id
        if endpoint.needs_org and org_id is None:
            org_id = self._own_org(call)
        return Line(
            request_id=request_id,
            reward_id=reward.reward_id or 0,
            quantity=reward.quantity,
            org_id=org_id,
            fields=self._writer.reward(reward),
            source_line=source_line,
            reward_external_id=reward.reward_external_id,
        )

    def freeze(
        self,
        customer: Customer,
        lines: tuple[Line, ...],
        *,
        lane: Lane,
        call: CallFields = NO_CALL_FIELDS,
        occurrence: int = 1,
    ) -> Job:
        """Freeze lines made by `line`, whose call `check` has accepted, into a customer's job."""
        if len(lines) > 1:
            check_line_count(self.variant, len(lines), self.max_lines)
        shared, of_org = _NO_PARTS if call is NO_CALL_FIELDS else self._latest.read(call, self.now)
        body = freeze_body(
            self.variant,
            customer,
            lines,
            brand=self.brand,
            email_key=self.email_key,
            fields=shared,
            org_fields=of_org,
            orgs=self._orgs(call, lines) if call.org_details else NO_ORGS,
            transaction_number=call.transaction_number,
        )
        return Job(
            customer,
            lines,
            self.variant,
            body,
            lane,
            occurrence=occurrence,
            source_line=lines[0].source_line,
            scope=self._scope(call, lines),
            transaction_number=call.transaction_number,
        )

    def _scope(self, call: CallFields, lines: tuple[Line, ...]) -> str | None:
        if not self.variant.endpoint.scoped:
            return None
        kind = self.data_scope if call.data_scope is None else ScopeKind(call.data_scope)
        return scope_of(kind, [line.org_id for line in lines if line.org_id is not None])

    def _orgs(self, call: CallFields, lines: tuple[Line, ...]) -> Mapping[int, Mapping[str, Any]]:
        """Write the call's details by organisation; one without an id is for all of them."""
        named = {each.org_id: self._writer.org_details(each) for each in call.org_details}
        return {
            line.org_id: named.get(line.org_id, named.get(None, {}))
            for line in lines
            if line.org_id is not None
        }

    def _own_org(self, call: CallFields) -> int:
        if len(call.org_details) == 1 and call.org_details[0].org_id is not None:
            return call.org_details[0].org_id
        if self.own_org_id is None:
            raise Refusal(
                f"the {self.variant} endpoint needs an orgId for every reward",
                "add the column, or set "
                + (
                    "ISSUANCE_API_DATA_SCOPE_ORG"
                    if self.account == DEFAULT_ACCOUNT
                    else f"own_org of account {self.account}"
                )
                + " to the one organisation",
                "orgId",
            )
        return self.own_org_id
