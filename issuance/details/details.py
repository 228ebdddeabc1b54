"""The details of a line: what replies show of it next to verdict, vouchers and transactions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from issuance.details.points import thousandths
from issuance.loose import loose_text

LINE_FIELDS = (
    "orgId",
    "rewardId",
    "paymentConfig",
    "redemptionDetails",
    "fulfillmentDetails",
    "customFields",
    "transactionCustomFields",
    "restrictions",
    "ownerType",
    "ownerId",
    "groupRedemption",
    "eventDateTime",
    "issueDateTime",
)
"""The fields of a line that are kept, by the API's names (rewards-api §4, §8)."""


NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


class UnitKind(StrEnum):
    """Where a reply shows a unit."""

    COUPON = "coupon"
    """In `intouch`, or in a read's `vouchers`."""
    PROMOTION = "promotion"
    VENDOR = "vendor"


class Unit(NamedTuple):
    """One issued unit as replies show it. One is made for each voucher, so it must be cheap."""

    kind: UnitKind
    voucher: str | None = None
    """Its code; None if the unit has none."""
    fields: Mapping[str, Any] = NO_FIELDS
    """All of its other fields, as they came."""

    @property
    def points(self) -> int | None:
        """Redeemed points in thousandths; the decimal form is the more precise one."""
        fields = self.fields
        exact = fields.get("pointsRedeemedInDecimal")
        found = None if exact is None else thousandths(exact)
        return thousandths(fields.get("pointsRedeemed")) if found is None else found


@dataclass(frozen=True, slots=True)
class Details:
    """What replies show of a line, next to its verdict."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    """Those of `LINE_FIELDS` that are not empty."""
    units: tuple[Unit, ...] = ()
    points: int | None = None
    """Redeemed points of all units, in thousandths; None if no reply shows any."""

    def inner(self, name: str, *keys: str) -> Any:
        """Return the first filled key of a field that is an object, such as paymentConfig's id."""
        value = self.fields.get(name)
        if not isinstance(value, dict):
            return None
        return next((value[key] for key in keys if value.get(key) is not None), None)


def points_of(units: Sequence[Unit]) -> int | None:
    """Add up the points of one reply's units; None if they show none.

    Coupons and promotions each show their own points. A vendor's objects repeat the points of the
    whole transaction (rewards-api §8), so that the largest counts once.
    """
    if len(units) == 1:
        return units[0].points
    own: list[int] = []
    repeated: list[int] = []
    for unit in units:
        shown = unit.points
        if shown is not None:
            (repeated if unit.kind is UnitKind.VENDOR else own).append(shown)
    if repeated:
        own.append(max(repeated))
    return sum(own) if own else None


CODES = ("couponCode", "voucher", "promotionCode", "code")
"""The likely names of a voucher's code in an issue answer, so that none is missed."""


def read_units(kind: UnitKind, shown: Any, *, codes: Sequence[str] = CODES) -> list[Unit]:
    """Read the units of one kind: an object, a list of them, or null; an empty object is no unit.

    Args:
        kind: the kind.
        shown: what the reply has for it.
        codes: the names that a unit's code may have.
    """
    if not shown:
        return []
    units = []
    for item in shown if isinstance(shown, list) else (shown,):
        if isinstance(item, dict):
            unit = _unit(kind, item, codes)
            if unit.voucher or unit.fields:
                units.append(unit)
        elif item is not None:
            units.append(Unit(kind, None, {"value": item}))
    return units


def _unit(kind: UnitKind, item: dict[str, Any], codes: Sequence[str]) -> Unit:
    """Read one object: its code, which only the line's vouchers keep, and its other fields."""
    fields = item.copy()
    voucher = None
    for name in codes:
        if name in item:
            code = loose_text(item[name])
            if code and voucher in (None, code):
                voucher = code
                del fields[name]
    if None in fields.values():
        fields = {name: value for name, value in fields.items() if value is not None}
    return Unit(kind, voucher, fields)


def codes_of(units: Iterable[Unit]) -> list[str]:
    """Return every code of an issue answer's units; a second code is among a unit's fields."""
    codes = []
    for unit in units:
        if unit.voucher:
            codes.append(unit.voucher)
            if not _CODES.isdisjoint(unit.fields):
                codes += [loose_text(unit.fields.get(name)) or "" for name in CODES]
    return codes


_CODES = frozenset(CODES)


def make_details(fields: Mapping[str, Any], units: Sequence[Unit]) -> Details | None:
    """Make the details that one reply shows of a line; None if it shows none.

    Args:
        fields: those of `LINE_FIELDS` that are not empty.
        units: as `read_units` returns them.
    """
    distinct = tuple(units) if len(units) < 2 else _join_units((), units)  # noqa: PLR2004
    if not fields and not distinct:
        return None
    return Details(fields, distinct, points_of(distinct) if distinct else None)


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out fields without content; a 0 is content."""
    return {name: value for name, value in fields.items() if is_filled(value)}


def is_filled(value: Any) -> bool:
    """Whether a field has content."""
    return bool(value) or (value is not None and value is not False and value == 0)


def join_details(earlier: Details | None, later: Details | None) -> Details | None:
    """Add a later reply's details to the earlier ones; the later value of a field counts.

    No field, unit or point that either of them shows is lost, and no unit counts twice.
    """
    if earlier is None or later is None:
        return earlier or later
    units = _join_units(earlier.units, later.units)
    totals = (earlier.points, later.points, points_of([unit for unit in units if unit.voucher]))
    return Details(
        fields=_join_fields(earlier.fields, later.fields),
        units=units,
        points=max((total for total in totals if total is not None), default=None),
    )


def _join_fields(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(earlier)
    for name, value in later.items():
        known = joined.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            joined[name] = known | value
        else:
            joined[name] = value
    return joined


def _join_units(earlier: Sequence[Unit], later: Sequence[Unit]) -> tuple[Unit, ...]:
    named = {unit.voucher: unit for unit in earlier if unit.voucher}
    for unit in later:
        if unit.voucher:
            known = named.get(unit.voucher)
            named[unit.voucher] = (
                unit
                if known is None
                else Unit(unit.kind, unit.voucher, {**known.fields, **unit.fields})
            )
    return (*named.values(), *_join_nameless(earlier, later))


def _join_nameless(earlier: Iterable[Unit], later: Iterable[Unit]) -> list[Unit]:
    """Keep each unit without a code as often as the reply that shows it most often does."""
    joined = [unit for unit in earlier if not unit.voucher]
    left = [repr(unit) for unit in joined]
    counts: dict[str, int] = {}
    for key in left:
        counts[key] = counts.get(key, 0) + 1
    for unit in later:
        if unit.voucher:
            continue
        key = repr(unit)
        if counts.get(key, 0):
            counts[key] -= 1
        else:
            joined.append(unit)
    return joined
