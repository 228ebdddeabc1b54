"""Details as the ledger stores them: compact JSON, with each voucher's code in one place only.

What all units show equally, such as their expiry, is stored once under `each`. The rest is in
`units`, in the order of the line's vouchers; entries after those are units without a code. The text
has the short names of `issuance.details.short_names`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from issuance.details.details import LINE_FIELDS, Details, Unit, UnitKind
from issuance.details.short_names import lengthen, shorten

MOST_BYTES = 16_384
"""The most that is stored of one line; a vendor may send any number of fields of any size."""
_MOST_BYTES_OF_A_FIELD = 512
_KIND = "$kind"
_EACH, _UNITS = "each", "units"

Stored = dict[str, Any]


def store_details(details: Details | None, vouchers: Sequence[str]) -> tuple[str | None, bool]:
    """Return the JSON text of details, or None for none, and whether something had to be cut.

    Args:
        details: of one line.
        vouchers: all of the line's vouchers, in the order in which they are stored.
    """
    if details is None:
        return None, False
    stored = _as_stored(details, vouchers)
    if not stored:
        return None, False
    text = _packed(stored)
    if len(text) <= MOST_BYTES:
        return text.decode(), False
    return _cut(stored).decode(), True


def read_details(text: str | None, vouchers: Sequence[str], points: int | None) -> Details | None:
    """Return details as they were before `store_details`; None for none."""
    if text is None:
        return None if points is None else Details(points=points)
    stored = lengthen(from_json(text))
    each, of_units = stored.get(_EACH), stored.get(_UNITS)
    if of_units is None:
        of_units = [] if each is None else [{} for _ in vouchers or (None,)]
    units = tuple(
        _unit({**(each or {}), **own}, vouchers[place] if place < len(vouchers) else None)
        for place, own in enumerate(of_units)
        if own is not None
    )
    fields = {name: stored[name] for name in LINE_FIELDS if name in stored}
    return Details(fields, units, points)


def with_long_names(text: str) -> str:
    """Return stored details with the API's names, for readers that have only the text."""
    return _to_json(lengthen(from_json(text))).decode()


def _unit(fields: Stored, voucher: str | None) -> Unit:
    kind = UnitKind(fields.pop(_KIND, UnitKind.COUPON))
    return Unit(kind, voucher, fields)


def _as_stored(details: Details, vouchers: Sequence[str]) -> Stored:
    stored = dict(details.fields)
    entries = _entries(details.units, vouchers)
    shown = [entry for entry in entries if entry is not None]
    if not shown:
        return stored
    each = dict(shown[0])
    for entry in shown[1:]:
        each = {
            name: value
            for name, value in each.items()
            if name in entry and _is_same(entry[name], value)
        }
        if not each:
            break
    if each:
        stored[_EACH] = each
    is_whole = len(shown) == len(entries) == (len(vouchers) or 1)
    if is_whole and all(len(entry) == len(each) for entry in shown):
        return stored
    stored[_UNITS] = [
        entry and {name: value for name, value in entry.items() if name not in each}
        for entry in entries
    ]
    return stored


def _is_same(one: object, other: object) -> bool:
    return one == other and type(one) is type(other)


def _entries(units: Sequence[Unit], vouchers: Sequence[str]) -> list[Stored | None]:
    """Return the units' fields in the order of the vouchers; None for one without any."""
    if len(units) == 1 and len(vouchers) <= 1 and units[0].voucher == (vouchers or (None,))[0]:
        return [_entry(units[0])]
    named = {unit.voucher: unit for unit in units if unit.voucher}
    entries = [_entry(named[code]) if code in named else None for code in vouchers]
    return entries + [_entry(unit) for unit in units if not unit.voucher]


def _entry(unit: Unit) -> Stored | None:
    fields = dict(unit.fields)
    fields.pop(_KIND, None)
    if unit.kind is not UnitKind.COUPON:
        fields[_KIND] = unit.kind.value
    return fields or None


def _packed(stored: Mapping[str, Any]) -> bytes:
    return _to_json(shorten(stored))


def _to_json(value: Any) -> bytes:
    return to_json(value, inf_nan_mode="null")


_NEEDED = frozenset(
    {_KIND, "pointsRedeemed", "pointsRedeemedInDecimal", "codeExpiry", "codeExpiryDateTime"}
)


def _cut(stored: Stored) -> bytes:
    """Leave out large fields first, then what vendors say, then what differs between the units."""
    small = {name: _small(value) for name, value in stored.items() if name not in (_EACH, _UNITS)}
    smaller = {name: value for name, value in small.items() if value is not None}
    each = {
        name: value for name, value in stored.get(_EACH, {}).items() if _small(value) is not None
    }
    units = stored.get(_UNITS)
    rounds: list[Stored] = [{**smaller, _EACH: each}]
    if units is not None:
        rounds = [
            {**smaller, _EACH: each, _UNITS: [entry and _only_small(entry) for entry in units]},
            {**smaller, _EACH: each, _UNITS: [entry and _only_needed(entry) for entry in units]},
            {**smaller, _EACH: each, _UNITS: []},
        ]
    rounds += [{**smaller, _UNITS: []}, {_UNITS: []}]
    return next(text for kept in rounds if len(text := _packed(kept)) <= MOST_BYTES)


def _small(value: Any) -> Any:
    return value if len(_to_json(value)) <= _MOST_BYTES_OF_A_FIELD else None


def _only_small(entry: Stored) -> Stored:
    return {name: value for name, value in entry.items() if _small(value) is not None}


def _only_needed(entry: Stored) -> Stored:
    return {name: value for name, value in _only_small(entry).items() if name in _NEEDED}
