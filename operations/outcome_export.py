"""The fields of a line's outcome in exports: their names, order, masking and CSV form."""

import csv
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any

from pydantic_core import to_json

from issuance.display import csv_text, printable
from issuance.masking import mask, mask_customer, scrub
from issuance.plain_words import reason
from ledger.queries.outcomes import LineRecord
from operations.details_view import (
    DETAIL_COLUMNS,
    DETAIL_FIELDS,
    detail_columns,
    detail_fields,
)
from operations.formats import iso

_FIELDS = (
    *("requestId", "jobId", "campaign", "customer", "rewardId", "state", "code", "message"),
    *(
        "requestedQuantity",
        "quantity",
        "transactionIds",
        "vouchers",
        "attempts",
        "settledAt",
        "revokedAt",
        "sourceLine",
        "reason",
    ),
)
JSON_FIELDS = (*_FIELDS, *DETAIL_FIELDS)
CSV_FIELDS = (*_FIELDS, *DETAIL_COLUMNS)


def outcome_fields(line: LineRecord, *, reveal: bool) -> dict[str, Any]:
    """Return the first fields in order; `reveal` shows identifiers, vouchers and texts unmasked."""
    message = line.message if reveal or not line.message else scrub(line.message, line.known)
    return {
        "requestId": line.request_id,
        "jobId": line.job_id,
        "campaign": line.campaign,
        "customer": str(line.customer) if reveal else mask_customer(line.customer),
        "rewardId": line.reward_id,
        "state": line.state.value,
        "code": line.code,
        "message": message,
        "requestedQuantity": line.requested_quantity,
        "quantity": line.quantity,
        "transactionIds": line.transaction_ids,
        "vouchers": line.vouchers if reveal else tuple(map(mask, line.vouchers)),
        "attempts": line.attempts,
        "settledAt": iso(line.settled_at),
        "revokedAt": iso(line.revoked_at),
        "sourceLine": line.source_line or None,
        "reason": reason(line.state, line.code, line.message) or None,
    }


def outcome_json(line: LineRecord, zone: tzinfo, *, reveal: bool) -> dict[str, Any]:
    """Return `JSON_FIELDS`; `zone` is the account's, for local times of the API."""
    return outcome_fields(line, reveal=reveal) | detail_fields(line, zone, reveal=reveal)


def outcome_columns(line: LineRecord, zone: tzinfo, *, reveal: bool) -> dict[str, Any]:
    """Return `CSV_FIELDS`; `zone` is the account's, for local times of the API."""
    return outcome_fields(line, reveal=reveal) | detail_columns(line, zone, reveal=reveal)


def csv_texts(
    lines: Iterable[LineRecord], zone: tzinfo, *, excel: bool, reveal: bool
) -> Iterator[str]:
    """Write lines as the rows of a CSV file, its header first.

    Args:
        lines: the lines.
        zone: the account's, for local times of the API.
        excel: with a byte order mark, without which Excel does not take UTF-8.
        reveal: show identifiers, vouchers and texts unmasked.
    """
    if excel:
        yield BYTE_ORDER_MARK
    writer = csv.writer(_Echo(), lineterminator="\r\n" if excel else "\n")
    yield writer.writerow(CSV_FIELDS)
    for line in lines:
        columns = outcome_columns(line, zone, reveal=reveal)
        yield writer.writerow([csv_cell(value) for value in columns.values()])


BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


class _Echo:
    """Lets a CSV writer return its rows."""

    def write(self, text: str) -> str:
        return text


def jsonl_texts(lines: Iterable[LineRecord], zone: tzinfo, *, reveal: bool) -> Iterator[str]:
    """Write lines as JSON, one to a row; arguments: see `csv_texts`."""
    for line in lines:
        fields = outcome_json(line, zone, reveal=reveal)
        yield printable(to_json(fields, inf_nan_mode="null").decode()) + "\n"


def csv_cell(value: object) -> str:
    """Write a CSV cell as `csv_text` does; semicolons join a list.

    Values with a structure of their own are JSON.
    """
    match value:
        case None:
            return ""
        case tuple():
            text = ";".join(value)
        case bool() | dict() | list():
            text = to_json(value, inf_nan_mode="null").decode()
        case _:
            text = str(value)
    return csv_text(text)
