"""A line's details for programs and for people; what may be personal or a voucher is masked."""

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from issuance.details.details import Details, Unit
from issuance.details.expiry import expires_at, given_expiry, is_time
from issuance.details.points import as_points
from issuance.masking import hide, mask, scrub
from ledger.queries.outcomes import LineRecord
from operations.formats import iso

_NUMBERS = frozenset(
    {
        *("pointsRedeemed", "pointsRedeemedInDecimal", "points", "conversionRatio"),
        *("redemptionValue", "totalRedemptionValue", "id", "orgId", "rewardId"),
    }
)
_TIMES = frozenset(
    {"codeExpiry", "codeExpiryDateTime", "valid_till", "eventDateTime", "issueDateTime"}
)
_WORDS = frozenset({"paymentMode", "redemptionType", "ownerType", "ownerId", "status"})
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)
_WORD = re.compile(r"(?!.*\d{10})[\w .:/-]{1,64}", re.ASCII)


def shown_value(value: Any, name: str = "", *, reveal: bool, known: Sequence[str] = ()) -> Any:
    """Show a value of an answer: whole, or masked unless its name and form make it harmless.

    A vendor's fields can hold vouchers, mobiles and addresses under any name, and a known name may
    hold anything: only numbers, times and short words are shown, under names that promise them.
    What the job holds (`known`) is in none of them.
    """
    if reveal or value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {
            scrub(str(key), known): shown_value(inner, key, reveal=False, known=known)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [shown_value(inner, name, reveal=False, known=known) for inner in value]
    if not _is_harmless(str(value), name):
        return mask(str(value))
    return hide(value, known) if isinstance(value, str) else value


def _is_harmless(text: str, name: str) -> bool:
    return (
        (name in _NUMBERS and _NUMBER.fullmatch(text) is not None)
        or (name in _TIMES and is_time(text))
        or (name in _WORDS and _WORD.fullmatch(text) is not None)
    )


def units_in_order(line: LineRecord) -> list[Unit | None]:
    """Return the details of each voucher, then of the units without one; None: it has none."""
    named = {unit.voucher: unit for unit in line.details.units if unit.voucher}
    nameless = [unit for unit in line.details.units if not unit.voucher]
    return [*map(named.get, line.vouchers), *nameless]


def unit_fields(unit: Unit, zone: tzinfo, *, reveal: bool, known: Sequence[str]) -> dict[str, Any]:
    """Return a unit for programs: what the product reads of it, then all that the API gave."""
    expiry = given_expiry(unit.fields)
    voucher = unit.voucher
    return {
        "kind": unit.kind.value,
        "voucher": voucher if reveal or voucher is None else mask(voucher),
        "pointsRedeemed": None if unit.points is None else as_points(unit.points),
        "codeExpiry": shown_value(expiry, "codeExpiry", reveal=reveal, known=known),
        "codeExpiryDateTime": expiry_in_utc(unit, zone),
        "fields": shown_value(dict(unit.fields), reveal=reveal, known=known),
    }


def expiry_in_utc(unit: Unit, zone: tzinfo) -> str | None:
    """Return when a unit expires: `2027-01-01T00:00:00.000Z`."""
    return iso(expires_at(unit.fields, zone))


def detail_fields(line: LineRecord, zone: tzinfo, *, reveal: bool) -> dict[str, Any]:
    """Return a line's details for programs, whole."""
    details = line.details
    found = {
        "orgId": line.org_id,
        "rewardExternalId": line.reward_external_id,
        "pointsRedeemed": points_text(details),
        "pointsReferenceIds": line.points_references,
        "units": [
            unit_fields(unit, zone, reveal=reveal, known=line.known)
            for unit in units_in_order(line)
            if unit
        ],
    }
    for name in NESTED_FIELDS:
        value = details.fields.get(name)
        found[name] = shown_value(value, name, reveal=reveal, known=line.known)
    return found | {"anomalies": line.anomalies}


NESTED_FIELDS = (
    *("paymentConfig", "redemptionDetails", "fulfillmentDetails", "customFields"),
    *("transactionCustomFields", "restrictions", "ownerType", "ownerId", "groupRedemption"),
    *("eventDateTime", "issueDateTime"),
)
DETAIL_FIELDS = (
    *("orgId", "rewardExternalId", "pointsRedeemed", "pointsReferenceIds", "units"),
    *NESTED_FIELDS,
    "anomalies",
)


def points_text(details: Details) -> str | None:
    """Return a line's redeemed points: `12.375`; None if no reply shows any."""
    return None if details.points is None else as_points(details.points)


_INNER: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "paymentMode": ("paymentConfig", ("paymentMode",)),
    "paymentConfigId": ("paymentConfig", ("id",)),
    "paymentPoints": ("paymentConfig", ("points",)),
    "conversionRatio": ("paymentConfig", ("conversionRatio",)),
    "redemptionType": ("redemptionDetails", ("redemptionType",)),
    "redemptionValue": ("redemptionDetails", ("redemptionValue", "totalRedemptionValue")),
    "fulfillmentStatus": ("fulfillmentDetails", ("status",)),
}
_WHOLE = (
    *("customFields", "transactionCustomFields", "restrictions", "ownerType", "ownerId"),
    *("groupRedemption", "eventDateTime", "issueDateTime"),
)


def detail_columns(line: LineRecord, zone: tzinfo, *, reveal: bool) -> dict[str, Any]:
    """Return a line's details as columns; those of units are in the order of the vouchers."""
    details, units = line.details, units_in_order(line)
    known = line.known
    whole = [unit and unit_fields(unit, zone, reveal=reveal, known=known) for unit in units]
    columns: dict[str, Any] = {
        "orgId": line.org_id,
        "rewardExternalId": line.reward_external_id,
        "pointsRedeemed": points_text(details),
        "pointsReferenceIds": line.points_references,
    }
    for column, name in _OF_UNITS.items():
        columns[column] = tuple(
            str(unit[name]) if unit and unit[name] is not None else "" for unit in whole
        )
    columns["unitFields"] = [unit and unit["fields"] for unit in whole] or None
    for column, (name, keys) in _INNER.items():
        columns[column] = shown_value(
            details.inner(name, *keys), keys[0], reveal=reveal, known=known
        )
    for name in _WHOLE:
        value = details.fields.get(name)
        columns[name] = shown_value(value, name, reveal=reveal, known=known)
    return columns | {"anomalies": line.anomalies}


_OF_UNITS = {
    "unitKinds": "kind",
    "unitPoints": "pointsRedeemed",
    "codeExpiry": "codeExpiry",
    "codeExpiryDateTime": "codeExpiryDateTime",
}
DETAIL_COLUMNS = (
    *("orgId", "rewardExternalId", "pointsRedeemed", "pointsReferenceIds"),
    *_OF_UNITS,
    "unitFields",
    *_INNER,
    *_WHOLE,
    "anomalies",
)
