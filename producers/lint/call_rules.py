"""The rules about the fields of a whole call: group, owner, cash, time and organisations."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from issuance.endpoint import Variant
from producers.fields.call_values import moment
from producers.fields.field import Described
from producers.fields.line import ALTERNATIVES, CALL, NO_CALL_FIELDS, CallFields, OrgDetails
from producers.fields.refusal import Refusal
from producers.lint.finding import Finding

EVENT_AHEAD_MOST = timedelta(hours=24)
"""How far ahead an event may be (rewards-api §3)."""

_GROUP_IDS = [each for each in CALL if each.key in ALTERNATIVES[2]]
_UNDOCUMENTED = [each for each in CALL if each.field.undocumented]


def check_call(call: CallFields, now: datetime) -> None:
    """Check the rules between the fields of a call.

    Args:
        call: the fields, after their own rules.
        now: the current time.

    Raises:
        Refusal: it breaks a rule.
    """
    if call is NO_CALL_FIELDS:
        return
    _check_group(call, *call.org_details)
    _check_owner(call)
    _check_tenders(call)
    if call.event_date_time is not None and moment(call.event_date_time) > now + EVENT_AHEAD_MOST:
        raise Refusal(
            f"{call.event_date_time} is more than 24 hours ahead",
            "give the time of the event in UTC, or issue the reward later",
            "eventDateTime",
        )


def check_orgs(details: Sequence[OrgDetails], orgs: Iterable[int | None]) -> None:
    """Check that each entry of orgLevelDetails is for the organisation of one of the rewards.

    Raises:
        Refusal: an entry is for another organisation, for none, or for the same as another one.
    """
    named = [each.org_id for each in details]
    if len(details) > 1 and (None in named or len(set(named)) < len(named)):
        raise Refusal(
            "the entries of orgLevelDetails do not name different organisations",
            "give each entry the orgId of its own organisation",
            "orgLevelDetails",
        )
    others = set(named) - {None, *orgs}
    if others:
        raise Refusal(
            f"orgLevelDetails names organisation {min(map(str, others))}, "
            "and no reward of the call is of it",
            "give the reward that orgId, or leave the entry out",
            "orgLevelDetails",
        )


def find_undocumented(call: CallFields, variant: Variant) -> Finding | None:
    """Warn of a field of which it is unknown whether the endpoint reads it (rewards-api §9)."""
    for each in _UNDOCUMENTED:
        if variant in each.field.undocumented and getattr(call, each.key) is not None:
            return Finding(
                f"{each.field.name} on the {variant} endpoint",
                each.field.name,
                f"it is unknown whether the {variant} endpoint reads {each.field.name}",
                "issue with ISSUANCE_API_VARIANT=single, which documents it, or check one "
                "reward's transaction first",
                refuses=False,
            )
    return None


def _check_group(*givers: CallFields | OrgDetails) -> None:
    # An entry's group id replaces none of another kind: the body would have both.
    given = {each.field.name for each in _GROUP_IDS if any(_gives(one, each) for one in givers)}
    if len(given) > 1:
        names = sorted(given)
        raise Refusal(
            f"several group ids: {', '.join(names)}", "keep one and empty the others", names[-1]
        )


def _gives(giver: CallFields | OrgDetails, described: Described) -> bool:
    return getattr(giver, described.key) is not None


def _check_owner(call: CallFields) -> None:
    if (call.owner_type is None) != (call.owner_id is None):
        given, missing = (
            ("ownerId", "ownerType")
            if call.owner_type is None
            else (
                "ownerType",
                "ownerId",
            )
        )
        raise Refusal(
            f"{given} is given without {missing}",
            "an owner is checked only if both are given: give both, or neither",
            f"rewardOwnershipRO.{missing}",
        )


def _check_tenders(call: CallFields) -> None:
    amounts = [each.amount for each in call.tenders]
    known = [amount for amount in amounts if amount is not None]
    if call.tender_total is None or not amounts or len(known) < len(amounts):
        return
    if sum(known) != call.tender_total:
        raise Refusal(
            f"the amounts of the tenders are {sum(known)} in all, the total is {call.tender_total}",
            "make the tenders' amounts add up to tender.totalAmount",
            "tender.totalAmount",
        )
