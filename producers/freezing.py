"""Freezing: a good row or a background request becomes a job whose body never changes again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.settings import Settings
from issuance.customer import Customer
from issuance.job import Job, Lane, Line, Variant, freeze_body
from issuance.request_id import campaign_request_id
from producers.source import Row
from producers.source.refusal import Refusal


@dataclass(frozen=True)
class Freezer:
    """Freezes jobs for one API account's endpoint.

    Raises:
        Refusal: from its methods, when the configured endpoint cannot issue what is asked.
    """

    variant: Variant
    brand: str
    email_key: str
    own_org_id: int | None
    """The organisation of lines that name none (connected endpoint)."""

    @classmethod
    def of(cls, settings: Settings) -> "Freezer":
        """Take what the bodies need from the settings."""
        org = settings.api_data_scope_org
        return cls(settings.api_variant, settings.api_brand, settings.email_key, int(org) if org.isdigit() else None)

    def from_row(self, campaign: str, row: Row) -> Job:
        """Freeze a file's row: one line, its requestId derived."""
        customer = Customer(row.identifier.kind, row.identifier.value)
        line = Line(
            request_id=campaign_request_id(campaign, customer, row.reward_id),
            reward_id=row.reward_id,
            quantity=row.quantity,
            payment_config_id=row.payment_config_id,
            redemption_value=row.redemption_value,
            org_id=row.org_id,
            custom_fields=row.custom_fields,
        )
        return self.freeze(
            customer,
            [line],
            lane=Lane.BLAST,
            notes=row.notes,
            event_log_id=row.event_log_id,
            source_line=row.line,
        )

    def freeze(
        self,
        customer: Customer,
        lines: Sequence[Line],
        *,
        lane: Lane,
        notes: str | None = None,
        event_log_id: str | None = None,
        source_line: int = 0,
    ) -> Job:
        """Freeze lines of one customer into a job."""
        fitted = tuple(self._fit(line) for line in lines)
        if self.variant is Variant.SINGLE and len(fitted) > 1:
            raise Refusal("the single endpoint takes one reward a call", "set ISSUANCE_API_VARIANT=bulk")
        body = freeze_body(
            self.variant,
            customer,
            fitted,
            brand=self.brand,
            email_key=self.email_key,
            notes=notes,
            event_log_id=event_log_id,
        )
        return Job(customer, fitted, self.variant, body, lane, source_line=source_line)

    def _fit(self, line: Line) -> Line:
        if self.variant is Variant.SINGLE and line.quantity > 1:
            raise Refusal(
                f"the single endpoint issues one unit whatever the quantity ({line.quantity})",
                "set ISSUANCE_API_VARIANT=bulk, or give the amount as redemptionValue",
                "quantity",
            )
        if self.variant is not Variant.CONNECTED or line.org_id is not None:
            return line
        if self.own_org_id is None:
            raise Refusal(
                "the connected endpoint needs an orgId for every reward",
                "add the column, or set ISSUANCE_API_DATA_SCOPE_ORG to the one organisation",
                "orgId",
            )
        return replace(line, org_id=self.own_org_id)
