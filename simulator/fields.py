"""The optional fields of a request: their types, and the names that the brand knows (§3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from simulator.reward import OwnerType
from simulator.shop import Shop
from simulator.statuses import invalid

EVENT_AHEAD_AT_MOST = timedelta(hours=24)
OWNER_TYPES = frozenset(get_args(OwnerType))
CALL_FIELDS = frozenset({"eventDateTime", "programId", "params", "orgLevelDetails"})
LINE_FIELDS = frozenset({"customFields", "fulfillmentDetails", "params", "rewardOwnershipRO"})

Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Extras:
    """The optional fields of one reward that its transaction shows; `owner` is (type, id)."""

    custom_fields: Mapping[str, Any] | None = None
    fulfillment_status: str | None = None
    owner: Owner | None = None


NO_EXTRAS = Extras()


def check_call_fields(body: Mapping[str, Any], now: datetime) -> None:
    """Check the fields of the whole call; raises RefusalError with code 400."""
    if body.get("eventDateTime") is not None:
        _check_event_date_time(body["eventDateTime"], now)
    program = body.get("programId")
    if program is not None and (isinstance(program, bool) or not str(program).isdecimal()):
        raise invalid("programId must be a number")
    _check_params(body)


def organisations_in(
    body: Mapping[str, Any], orgs: frozenset[int]
) -> Mapping[int, Mapping[str, Any]]:
    """The entries of `orgLevelDetails` by organisation; each must be in scope, and only once."""
    entries = body.get("orgLevelDetails")
    if entries is None:
        return {}
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise invalid("orgLevelDetails must be a list of objects")
    found: dict[int, Mapping[str, Any]] = {}
    for entry in entries:
        raw = entry.get("orgId")
        if not str(raw).isdecimal() or int(str(raw)) not in orgs:
            raise invalid(f"orgLevelDetails orgId {raw} is not in the data scope")
        if int(str(raw)) in found:
            raise invalid(f"orgLevelDetails contains orgId {raw} more than once")
        _check_params(entry)
        found[int(str(raw))] = entry
    return found


def read_extras(element: Mapping[str, Any], body: Mapping[str, Any], shop: Shop) -> Extras:
    """The optional fields of one reward, which a call may give once for all its rewards.

    The documents show `rewardOwnershipRO` for a single issue only, where both are the same object.
    Raises RefusalError with code 400.
    """
    if not LINE_FIELDS & element.keys() and "rewardOwnershipRO" not in body:
        return NO_EXTRAS
    _check_params(element)
    return Extras(
        _read_custom_fields(element.get("customFields"), shop.custom_fields),
        _read_fulfillment(element.get("fulfillmentDetails"), shop.fulfillment_statuses),
        _read_owner(element.get("rewardOwnershipRO", body.get("rewardOwnershipRO"))),
    )


def owner_type_in(raw: object) -> str:
    """An owner's type in the spelling of the bodies: `Loyalty program` is LOYALTY."""
    name = str(raw).upper().replace(" ", "_")
    return "LOYALTY" if name == "LOYALTY_PROGRAM" else name


def _check_event_date_time(raw: Any, now: datetime) -> None:
    try:
        moment = datetime.strptime(str(raw), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise invalid("eventDateTime must be in the format yyyy-MM-ddTHH:mm:ssZ") from None
    if moment > now + EVENT_AHEAD_AT_MOST:
        raise invalid("eventDateTime must not be more than 24 hours ahead")


def _check_params(place: Mapping[str, Any]) -> None:
    # One page calls it a string, and says of the string that it is a JSON object.
    if not isinstance(place.get("params"), dict | str | None):
        raise invalid("params must be an object")


def _read_custom_fields(raw: Any, known: frozenset[str] | None) -> Mapping[str, Any] | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise invalid("customFields must be an object")
    unknown = sorted(raw.keys() - known) if known is not None else []
    if unknown:
        raise invalid(f"customFields {unknown[0]} is not a custom field of the brand")
    return raw


def _read_fulfillment(raw: Any, known: frozenset[str] | None) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise invalid("fulfillmentDetails must be an object")
    status = raw.get("status")
    if status is None:
        return None
    if known is not None and status not in known:
        raise invalid(f"fulfillmentDetails status {status} is not a status of the brand")
    return str(status)


def _read_owner(raw: Any) -> Owner | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise invalid("rewardOwnershipRO must be an object")
    owner_type, owner_id = owner_type_in(raw.get("ownerType")), raw.get("ownerId")
    if owner_type not in OWNER_TYPES:
        raise invalid("rewardOwnershipRO ownerType is not valid")
    if owner_id in (None, ""):
        raise invalid("rewardOwnershipRO ownerId must not be null")
    return owner_type, str(owner_id)
