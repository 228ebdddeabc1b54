"""What replies showed of a line, for people: vouchers, units, points, payment and the rest."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from pydantic_core import to_json

from issuance.details.details import Unit
from issuance.details.expiry import expires_at, given_expiry
from issuance.details.points import as_points
from issuance.masking import hide, mask
from ledger.queries.outcomes import LineRecord
from operations.details_view import (
    NESTED_FIELDS,
    points_text,
    shown_value,
    units_in_order,
)
from operations.formats import clock, one_line

_UNITS_SHOWN = 20
_SHOWN_ABOVE = frozenset(
    {"pointsRedeemed", "pointsRedeemedInDecimal", "codeExpiry", "codeExpiryDateTime"}
)


def detail_lines(
    line: LineRecord, zone: tzinfo, *, reveal: bool, known: Sequence[str] = ()
) -> Iterator[str]:
    """All of it, `name: value` by line; vouchers and what may be personal masked unless `reveal`.

    Args:
        line: the line.
        zone: the account's time zone, for local times of the API.
        reveal: show everything as it is.
        known: what its job's other lines hold; none of it is shown.
    """
    if reveal:
        yield from _lines(line, zone, reveal=True)
        return
    hidden = (*line.known, *known)
    for text in _lines(line, zone, reveal=False):
        yield hide(text, hidden)


def _lines(line: LineRecord, zone: tzinfo, *, reveal: bool) -> Iterator[str]:
    vouchers = line.vouchers if reveal else tuple(map(mask, line.vouchers))
    listed = {
        "vouchers": vouchers,
        "transactions": line.transaction_ids,
        "points references": line.points_references,
        "anomalies": line.anomalies,
    }
    for name, values in listed.items():
        if values:
            yield f"{name}: {', '.join(map(one_line, values))}"
    points = points_text(line.details)
    if points is not None:
        yield f"points redeemed: {points}"
    units = [unit for unit in units_in_order(line) if unit is not None]
    for unit in units[:_UNITS_SHOWN]:
        yield f"unit: {_unit(unit, zone, reveal=reveal)}"
    if len(units) > _UNITS_SHOWN:
        yield f"and {len(units) - _UNITS_SHOWN:,} more units: `issuance outcomes` lists them"
    if line.org_id is not None:
        yield f"organisation: {line.org_id}"
    for name in NESTED_FIELDS:
        if name in line.details.fields:
            shown = shown_value(line.details.fields[name], name, reveal=reveal)
            yield f"{name}: {_text(shown)}"


def _unit(unit: Unit, zone: tzinfo, *, reveal: bool) -> str:
    """`coupon ********1996, 10 points, expires 2027-01-01 00:00:00 (2026-12-31 18:30:00Z)`."""
    code = "" if unit.voucher is None else f" {unit.voucher if reveal else mask(unit.voucher)}"
    parts = [f"{unit.kind.value}{code}"]
    if unit.points is not None:
        parts.append(f"{as_points(unit.points)} points")
    given = given_expiry(unit.fields)
    if given is not None:
        at = clock(expires_at(unit.fields, zone))
        shown = shown_value(given, "codeExpiry", reveal=reveal)
        parts.append(f"expires {shown}" + (f" ({at})" if at else ""))
    rest = {name: value for name, value in unit.fields.items() if name not in _SHOWN_ABOVE}
    if rest:
        parts.append(_text(shown_value(rest, reveal=reveal)))
    return one_line(", ".join(parts))


def _text(value: object) -> str:
    if isinstance(value, str):
        return one_line(value)
    return one_line(to_json(value, inf_nan_mode="null").decode())
