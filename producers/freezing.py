"""Freezing: a good row or a background request becomes a job whose body never changes again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from config.settings import Settings
from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line, freeze_body
from issuance.request_id import campaign_request_id
from producers.lint.endpoint_rules import check_line_count, check_units
from producers.lint.payment_rules import check_amounts
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
    max_lines: int
    """The most lines of one job."""

    @classmethod
    def of(cls, settings: Settings) -> "Freezer":
        """Take what the bodies need from the settings."""
        org = settings.api_data_scope_org
        own_org_id = int(org) if org.isdigit() else None
        return cls(
            settings.api_variant,
            settings.api_brand,
            settings.email_key,
            own_org_id,
            settings.job_max_lines,
        )

    def line_of(self, campaign: str, customer: Customer, row: Row, occurrence: int) -> Line:
        """Make the line of a file's row, its requestId derived.

        Args:
            campaign: the campaign's name.
            customer: the row's.
            row: the row.
            occurrence: 1 for the file's first row of this customer and reward, 2 for the second, …
        """
        return self._fit(
            Line(
                request_id=campaign_request_id(
                    campaign, customer, row.reward_id, occurrence=occurrence
                ),
                reward_id=row.reward_id,
                quantity=row.quantity,
                org_id=row.org_id,
                fields=reward_fields(
                    payment_config_id=row.payment_config_id,
                    redemption_value=row.redemption_value,
                    points=row.points,
                    custom_fields=row.custom_fields,
                ),
                source_line=row.line,
            )
        )

    def freeze(
        self,
        customer: Customer,
        lines: Sequence[Line],
        *,
        lane: Lane,
        notes: str | None = None,
        event_log_id: str | None = None,
        occurrence: int = 1,
    ) -> Job:
        """Freeze lines of one customer into a job."""
        fitted = tuple(self._fit(line) for line in lines)
        return self.freeze_fitted(
            customer,
            fitted,
            lane=lane,
            notes=notes,
            event_log_id=event_log_id,
            occurrence=occurrence,
        )

    def freeze_fitted(
        self,
        customer: Customer,
        lines: tuple[Line, ...],
        *,
        lane: Lane,
        notes: str | None,
        event_log_id: str | None,
        occurrence: int,
    ) -> Job:
        """Freeze lines that `line_of` made, which spares a million rows from being looked at twice."""
        check_line_count(self.variant, len(lines), self.max_lines)
        body = freeze_body(
            self.variant,
            customer,
            lines,
            brand=self.brand,
            email_key=self.email_key,
            fields={} if event_log_id is None else {"eventLogId": event_log_id},
            org_fields={} if notes is None else {"notes": notes},
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
        )

    def _fit(self, line: Line) -> Line:
        check_units(self.variant, line.quantity)
        payment = line.fields.get("paymentConfig", {})
        check_amounts(payment.get("redemptionValue"), payment.get("points"))
        if not self.variant.endpoint.needs_org or line.org_id is not None:
            return line
        if self.own_org_id is None:
            raise Refusal(
                f"the {self.variant} endpoint needs an orgId for every reward",
                "add the column, or set ISSUANCE_API_DATA_SCOPE_ORG to the one organisation",
                "orgId",
            )
        return replace(line, org_id=self.own_org_id)


def reward_fields(
    *,
    payment_config_id: int | None,
    redemption_value: float | None,
    points: float | None,
    custom_fields: Mapping[str, str],
) -> dict[str, Any]:
    """What the body says of a reward beyond its ids and quantity."""
    payment = {"id": payment_config_id, "redemptionValue": redemption_value, "points": points}
    fields: dict[str, Any] = {}
    if given := {name: value for name, value in payment.items() if value is not None}:
        fields["paymentConfig"] = given
    if custom_fields:
        fields["customFields"] = dict(custom_fields)
    return fields
