"""The roles, and the one table of their rights."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person is responsible for."""

    VIEWER = "viewer"
    """Sees everything, with customers and vouchers masked."""
    OPERATOR = "operator"
    """Keeps work going: campaigns, dead letters and limits."""
    ISSUER = "issuer"
    """Gives rewards away: blasts and single issues."""
    APPROVER = "approver"
    """Decides about rewards that are issued already: revokes them."""
    REVEALER = "revealer"
    """Sees customers and vouchers in the clear, in what another role lets it see."""
    ADMIN = "admin"
    """Everything but to reveal."""


class Right(StrEnum):
    """What an operation needs; the value completes the sentence `ann may not …`."""

    VIEW = "view"
    REVEAL = "reveal"
    PAUSE = "pause"
    RESUME = "resume"
    WEIGHT = "change weights"
    CANCEL = "cancel"
    RESEND = "resend"
    REISSUE = "reissue"
    DISCARD = "discard"
    SET_LIMITS = "set limits"
    END_SUSPENSION = "end suspensions"
    CHECK_ACCOUNT = "check accounts"
    BLAST = "blast"
    ISSUE = "issue"
    SET_CAMPAIGN = "change campaigns"
    SUBMIT = "submit campaigns"
    APPROVE = "approve campaigns"
    CLOSE = "close campaigns"
    REVOKE = "revoke"
    ERASE = "erase customers"
    PRUNE = "prune"
    BACK_UP = "back up"
    RESTORE = "restore"
    MIGRATE = "migrate"
    MANAGE_USERS = "manage users"


_VIEWER = frozenset({Right.VIEW})

RIGHTS_OF: Final[Mapping[Role, frozenset[Right]]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _VIEWER
    | {Right.PAUSE, Right.RESUME, Right.WEIGHT, Right.CANCEL}
    # A reissue repeats what was refused and was to be issued anyway; the rules of redrives refuse
    # it while the first may still count. So it needs no second decision.
    | {Right.RESEND, Right.REISSUE, Right.DISCARD}
    | {Right.SET_LIMITS, Right.END_SUSPENSION, Right.CHECK_ACCOUNT},
    Role.ISSUER: _VIEWER | {Right.BLAST, Right.ISSUE, Right.SET_CAMPAIGN, Right.SUBMIT},
    # A revocation takes something from a customer and cannot be undone. Neither the person who
    # issued it nor the one who keeps the system running decides that alone.
    Role.APPROVER: _VIEWER | {Right.APPROVE, Right.CLOSE, Right.REVOKE},
    Role.REVEALER: frozenset({Right.REVEAL}),
    # To run the system is no reason to read customers and vouchers.
    Role.ADMIN: frozenset(Right) - {Right.REVEAL},
}
"""What each role may do. What is not here is refused."""


def roles_with(right: Right) -> list[Role]:
    """Return the roles that have a right, in the order of `Role`."""
    return [role for role in Role if right in RIGHTS_OF[role]]
