"""Judges the API's replies to a revocation, for the ledger and for the operator."""

from collections.abc import Mapping, Sequence
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
    10007: (
        "The API does not know the transaction: check that ISSUANCE_API_URL and the till are the "
        "ones that issued it"
    ),
    _WRONG_STATE: (
        "The API cannot revoke it in its state, perhaps because someone else revoked it: "
        "look at it there"
    ),
    13005: (
        "Revoking is switched off for the brand: switch REVOKE_ENABLE on at the API, then run "
        "this again"
    ),
}
_UNREACHED = "Check ISSUANCE_API_URL and the network, then run this again"
_IN_DOUBT = "Run this again: the API then says whether it was revoked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a revocation."""

    verb: Verb
    says: str
    """The result in words, for the operator and the ledger."""
    remedy: str = ""
    """What to do next; empty when the line was revoked."""


def judge_revocation(
    replies: Mapping[str, RevokeReply], *, asked_before: bool, known: Sequence[str] = ()
) -> Verdict:
    """Judge the replies by transaction.

    Args:
        replies: one or more.
        asked_before: an earlier revocation may have reached the API, so "wrong state" means that
            the transaction is revoked.
        known: what the line holds, which the verdict does not show.
    """
    done = {key for key, reply in replies.items() if _is_done(reply, asked_before=asked_before)}
    # A failed attempt's transaction has no units, so there is nothing to revoke.
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
    says = "; ".join(f"transaction {key}: {_say(reply, known)}" for key, reply in rest.items())
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


def _say(reply: RevokeReply, known: Sequence[str]) -> str:
    if isinstance(reply, NotRevoked):
        return f"code {reply.code}, {one_line(scrub(reply.message, known))}"
    assert isinstance(reply, Unreadable)  # noqa: S101  # a `Revoked` reply is never described
    return "no readable answer" if _may_be_done(reply) else "the API was not reached"


def _by_table(code: int) -> str:
    meaning = find_code(code, "").meaning
    return f"The API refused it with code {code} ({meaning}): fix that, or revoke it at the API"
