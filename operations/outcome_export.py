"""The fields of a line's outcome in exports: their names, order, masking and CSV form."""

from typing import Any

from issuance.masking import mask, mask_customer, scrub
from ledger.queries.outcomes import LineRecord
from operations.formats import iso

FIELDS = (
    *("requestId", "jobId", "campaign", "customer", "rewardId", "state", "code", "message"),
    *(
        "requestedQuantity",
        "quantity",
        "transactionIds",
        "vouchers",
        "attempts",
        "settledAt",
        "revokedAt",
    ),
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def outcome_fields(line: LineRecord, *, reveal: bool) -> dict[str, Any]:
    """Return the fields in order; `reveal` shows identifiers, vouchers and free text unmasked."""
    return {
        "requestId": line.request_id,
        "jobId": line.job_id,
        "campaign": line.campaign,
        "customer": str(line.customer) if reveal else mask_customer(line.customer),
        "rewardId": line.reward_id,
        "state": line.state.value,
        "code": line.code,
        "message": line.message if reveal or line.message is None else scrub(line.message),
        "requestedQuantity": line.requested_quantity,
        "quantity": line.quantity,
        "transactionIds": line.transaction_ids,
        "vouchers": line.vouchers if reveal else tuple(map(mask, line.vouchers)),
        "attempts": line.attempts,
        "settledAt": iso(line.settled_at),
        "revokedAt": iso(line.revoked_at),
    }


def csv_cell(value: object) -> str:
    """Write a CSV cell: semicolons join a list, and a spreadsheet runs nothing as a formula."""
    if value is None:
        return ""
    text = ";".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
