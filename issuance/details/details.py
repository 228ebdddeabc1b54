"""The details of a line: what replies show of it next to verdict, vouchers and transactions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

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


class UnitKind(StrEnum):
    """Where a reply shows a unit."""

    COUPON = "coupon"
    """In `intouch`, or in a read's `vouchers`."""
    PROMOTION = "promotion"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class Unit:
    """One issued unit as replies show it."""

    kind: UnitKind
    voucher: str | None = None
    """Its code; None if the unit has none."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """All of its other fields, as they came."""

    @property
    def points(self) -> int | None:
        """Redeemed points in thousandths; the decimal form is the more precise one."""
        exact = self.fields.get("pointsRedeemedInDecimal")
        found = None if exact is None else thousandths(exact)
        return thousandths(self.fields.get("pointsRedeemed")) if found is None else found


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


def points_of(units: Iterable[Unit]) -> int | None:
    """Add up the points of one reply's units; None if they show none.

    Coupons and promotions each show their own points. A vendor's objects repeat the points of the
    whole transaction (rewards-api §8), so that the largest counts once.
    """
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
            voucher = next(iter(_codes_in(item, codes)), None)
            fields = {
                name: value
                for name, value in item.items()
                if value is not None and not (name in codes and loose_text(value) == voucher)
            }
            if voucher or fields:
                units.append(Unit(kind, voucher, fields))
        elif item is not None:
            units.append(Unit(kind, None, {"value": item}))
    return units


def _codes_in(item: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    return (code for name in names if name in item and (code := loose_text(item[name])))


def codes_of(units: Iterable[Unit]) -> list[str]:
    """Return every code of an issue answer's units; a second code is among a unit's fields."""
    codes = []
    for unit in units:
        if unit.voucher:
            codes.append(unit.voucher)
            codes += _codes_in(unit.fields, CODES)
    return codes


def make_details(fields: Mapping[str, Any], units: Sequence[Unit]) -> Details | None:
    """Make the details that one reply shows of a line; None if it shows none.

    Args:
        fields: those of `LINE_FIELDS`; empty ones are left out.
        units: as `read_units` returns them.
    """
    kept = {name: value for name, value in fields.items() if _is_filled(value)}
    distinct = tuple(units) if len(units) < 2 else _join_units((), units)  # noqa: PLR2004
    if not kept and not distinct:
        return None
    return Details(kept, distinct, points_of(distinct))


def _is_filled(value: Any) -> bool:
    return bool(value) or (value == 0 and value is not False)


def join_details(earlier: Details | None, later: Details | None) -> Details | None:
    """Add a later reply's details to the earlier ones; the later value of a field counts.

    No field, unit or point that either of them shows is lost, and no unit counts twice.
    """
    if earlier is None or later is None:
        return earlier or later
    units = _join_units(earlier.units, later.units)
    totals = (earlier.points, later.points, points_of(unit for unit in units if unit.voucher))
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
