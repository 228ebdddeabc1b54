"""Local users of the web console: added, listed, disabled, and given roles and passwords."""

from collections.abc import Collection
from typing import Any

from ledger.people.sessions import (
    OpenSessions,
    end_sessions,
    list_sessions,
    make_user_link,
)
from ledger.people.users import LONGEST_NAME, User, add_user, change_user, list_users
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right, Role
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import iso
from operations.people.passwords import hash_password

_LONGEST_PERSON = 255
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789._@-"


@needs(Right.MANAGE_USERS)
def add_web_user(
    subject: Subject, ledger: Ledger, user: str, password: str | None, roles: Collection[str]
) -> None:
    """Add a user with a password and roles; without a password the user logs in by links.

    Raises:
        UsageError: the name, the password or a role cannot be used.
        UserError: there is a user with this name.
    """
    if not user or len(user) > LONGEST_NAME or not set(user) <= set(_NAME):
        raise UsageError(
            f"A user's name has 1 to {LONGEST_NAME} of the characters a-z, 0-9 and ._@-"
        )
    hashed = "" if password is None else hash_password(password)
    add_user(ledger, user, hashed, _known(roles), subject.acting())


@needs(Right.MANAGE_USERS)
def list_web_users(subject: Subject, ledger: Ledger) -> list[User]:
    """List the local users by name."""
    return list_users(ledger)


@needs(Right.MANAGE_USERS)
def set_web_user_disabled(subject: Subject, ledger: Ledger, user: str, *, disabled: bool) -> None:
    """Disable a user, which ends their sessions, or enable the user again.

    Raises:
        UserError: there is no such user.
    """
    verb = "user disable" if disabled else "user enable"
    change_user(ledger, user, subject.acting(), verb=verb, disabled=disabled)


@needs(Right.MANAGE_USERS)
def set_web_user_roles(subject: Subject, ledger: Ledger, user: str, roles: Collection[str]) -> None:
    """Replace a user's roles and end their sessions.

    Raises:
        UsageError: a role is unknown.
        UserError: there is no such user.
    """
    change_user(ledger, user, subject.acting(), verb="user roles", roles=_known(roles))


@needs(Right.MANAGE_USERS)
def set_web_user_password(subject: Subject, ledger: Ledger, user: str, password: str) -> None:
    """Replace a user's password, end their sessions, and let a locked user log in.

    Raises:
        UsageError: the password cannot be used.
        UserError: there is no such user.
    """
    hashed = hash_password(password)
    change_user(ledger, user, subject.acting(), verb="user passwd", password_hash=hashed)


@needs(Right.MANAGE_USERS)
def make_web_user_link(subject: Subject, ledger: Ledger, user: str) -> str:
    """Make the token of a link that logs a local user in once, within a day.

    Raises:
        UserError: there is no such user, or the user is disabled.
    """
    return make_user_link(ledger, user, subject.acting())


@needs(Right.MANAGE_USERS)
def list_web_sessions(
    subject: Subject, ledger: Ledger, limit: int
) -> tuple[list[OpenSessions], int]:
    """List the people who are logged in, the last seen first, and return how many there are."""
    return list_sessions(ledger, limit)


@needs(Right.MANAGE_USERS)
def end_web_sessions(subject: Subject, ledger: Ledger, user: str) -> int:
    """End all sessions of a person, local or not, and void their links; returns how many ended.

    Raises:
        UsageError: the name is empty or too long.
    """
    if not 0 < len(user) <= _LONGEST_PERSON:
        raise UsageError(f"A name has 1 to {_LONGEST_PERSON} characters")
    return end_sessions(ledger, user, subject.acting())


def sessions_json(found: OpenSessions) -> dict[str, Any]:
    """Return a person's open sessions for programs."""
    return {
        "name": found.name,
        "kind": found.kind,
        "sessions": found.count,
        "since": iso(found.since),
        "seenAt": iso(found.seen_at),
    }


def user_json(user: User) -> dict[str, Any]:
    """Return a user for programs, without the password's hash."""
    return {
        "name": user.name,
        "roles": list(user.roles),
        "createdAt": iso(user.created_at),
        "disabledAt": iso(user.disabled_at),
        "locked": user.is_locked,
    }


def _known(roles: Collection[str]) -> list[str]:
    unknown = sorted(set(roles) - set(Role))
    if unknown or not roles:
        what = f"{', '.join(unknown)}: no such role" if unknown else "No role is given"
        raise UsageError(f"{what}; give some of {', '.join(Role)}")
    return sorted(set(roles))
