"""What the API's replies to a revocation come to, for the ledger and for the operator."""

from collections.abc import Mapping
from dataclasses import dataclass

from issuance.masking import scrub
from issuance.replies.codes import find_code
from issuance.replies.reply import Answer
from ledger.revocations import Verb
from operations.formats import counted, one_line
from rewards_api.reads import NotRevoked, Revoked, RevokeReply, Unreadable

_WRONG_STATE, _NOTHING_IN_IT = 13003, 10008
_REMEDIES = {
    1018: "The API could not give the points back: run this again later",
    10007: "The API does not know the transaction: check that ISSUANCE_API_URL and the till are those it was issued by",
    _WRONG_STATE: "The API has it in a state that cannot be revoked, perhaps revoked by other hands: look at it there",
    13005: "Revoking is switched off for the brand: have REVOKE_ENABLE switched on at the API, then run this again",
}
_UNREACHED = "Check ISSUANCE_API_URL and the network, then run this again"
_IN_DOUBT = "Run this again: the API then says whether it was revoked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a revocation."""

    verb: Verb
    says: str
    """For people and for the record."""
    remedy: str = ""
    """What to do about it; empty when it was revoked."""


def judge_revocation(replies: Mapping[str, RevokeReply], *, asked_before: bool) -> Verdict:
    """Judge the replies by transaction.

    Args:
        replies: at least one.
        asked_before: an earlier revocation may have reached the API: "wrong state" then means that
            it was done.
    """
    done = {key for key, reply in replies.items() if _is_done(reply, asked_before=asked_before)}
    # A transaction without a unit, of an attempt that failed, has nothing to take back.
    rest = {
        key: reply
        for key, reply in replies.items()
        if key not in done and not (done and _is_empty(reply))
    }
    if not rest:
        units = [
            reply.units
            for reply in replies.values()
            if isinstance(reply, Revoked) and reply.units is not None
        ]
        what = f", {counted(sum(units), 'unit')}" if units else ""
        return Verdict(Verb.REVOKED, f"revoked, {counted(len(done), 'transaction')}{what}")
    says = "; ".join(f"transaction {key}: {_say(reply)}" for key, reply in rest.items())
    if done or asked_before or any(_may_be_done(reply) for reply in rest.values()):
        return Verdict(Verb.IN_DOUBT, f"not known to be revoked as a whole: {says}", _IN_DOUBT)
    codes = [reply.code for reply in rest.values() if isinstance(reply, NotRevoked)]
    remedy = _REMEDIES.get(codes[0], _by_table(codes[0])) if codes else _UNREACHED
    return Verdict(Verb.NOT_REVOKED, f"not revoked: {says}", remedy)


def _is_done(reply: RevokeReply, *, asked_before: bool) -> bool:
    return isinstance(reply, Revoked) or (asked_before and _has_code(reply, _WRONG_STATE))


def _may_be_done(reply: RevokeReply) -> bool:
    return isinstance(reply, Unreadable) and (isinstance(reply.reply, Answer) or reply.reply.sent)


def _is_empty(reply: RevokeReply) -> bool:
    return _has_code(reply, _NOTHING_IN_IT)


def _has_code(reply: RevokeReply, code: int) -> bool:
    return isinstance(reply, NotRevoked) and reply.code == code


def _say(reply: RevokeReply) -> str:
    if isinstance(reply, NotRevoked):
        return f"code {reply.code}, {one_line(scrub(reply.message))}"
    assert isinstance(reply, Unreadable)  # noqa: S101  # what was revoked has nothing to say
    return "no readable answer" if _may_be_done(reply) else "the API was not reached"


def _by_table(code: int) -> str:
    return f"The API refused it with code {code} ({find_code(code, '').meaning}): mend that, or revoke it at the API"
