"""Freezing: turns a good row or a background request into a job whose body never changes."""

from dataclasses import dataclass

from config.accounts import Account
from config.settings import Settings
from issuance.account import DEFAULT_ACCOUNT
from issuance.customer import Customer
from issuance.data_scope import ScopeKind, scope_of
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line, freeze_body
from producers.fields.body import call_body, org_body, reward_body
from producers.fields.line import NO_CALL_FIELDS, CallFields, Reward
from producers.fields.refusal import Refusal
from producers.lint.endpoint_rules import check_line_count, check_units
from producers.lint.payment_rules import check_amounts


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
    """The scope of jobs that give none (connected endpoint)."""
    account: str = DEFAULT_ACCOUNT
    """The account's name, for messages."""

    @classmethod
    def of(
        cls, account: Account, *, max_lines: int, data_scope: ScopeKind | None = None
    ) -> "Freezer":
        """Make a freezer for an account.

        Args:
            account: the account of the jobs' campaign.
            max_lines: the most lines of one job.
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
        )

    @classmethod
    def of_settings(cls, settings: Settings) -> "Freezer":
        """Make a freezer for the account `default`."""
        return cls.of(Account.of_settings(settings), max_lines=settings.job_max_lines)

    def line(self, request_id: str, reward: Reward, source_line: int = 0) -> Line:
        """Make the line of a reward for the configured endpoint.

        Args:
            request_id: the line's requestId.
            reward: the requested reward, after its fields' rules.
            source_line: 1-based line of the campaign's file; 0: not from a file.
        """
        endpoint = self.variant.endpoint
        check_units(self.variant, reward.quantity)
        check_amounts(reward)
        org_id = reward.org_id
        if endpoint.needs_org and org_id is None:
            org_id = self._own_org()
        return Line(
            request_id=request_id,
            reward_id=reward.reward_id,
            quantity=reward.quantity,
            org_id=org_id,
            fields=reward_body(reward),
            source_line=source_line,
        )

    def freeze(
        self,
        customer: Customer,
        lines: tuple[Line, ...],
        *,
        lane: Lane,
        call: CallFields = NO_CALL_FIELDS,
        occurrence: int = 1,
        data_scope: ScopeKind | None = None,
    ) -> Job:
        """Freeze lines made by `line` into one customer's job; `data_scope` None: the default."""
        check_line_count(self.variant, len(lines), self.max_lines)
        body = freeze_body(
            self.variant,
            customer,
            lines,
            brand=self.brand,
            email_key=self.email_key,
            fields=call_body(call),
            org_fields=org_body(call),
        )
        source_line = lines[0].source_line
        return Job(
            customer,
            lines,
            self.variant,
            body,
            lane,
            occurrence=occurrence,
            source_line=source_line,
            scope=self._scope(lines, data_scope),
        )

    def _scope(self, lines: tuple[Line, ...], kind: ScopeKind | None) -> str | None:
        if not self.variant.endpoint.scoped:
            return None
        org_ids = [line.org_id for line in lines if line.org_id is not None]
        return scope_of(kind or self.data_scope, org_ids)

    def _own_org(self) -> int:
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
