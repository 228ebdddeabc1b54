"""Logging in to the web console, and the subject of a session. None of it needs a right."""

import socket

from ledger.audit_effects import record_act
from ledger.audit_log import Operator
from ledger.people.sessions import (
    Person,
    begin_session,
    end_session,
    find_session,
    make_link,
    use_link,
)
from ledger.people.users import User, find_user, note_failure, note_success
from ledger.store.database import Ledger
from operations.access.people import grant_of_system_user, group_names, person_on_console
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.people.passwords import is_right, stronger_hash, waste_time
from operations.services import Services

LOCAL, SYSTEM = "user", "system"
_WAY = "web"


def make_login_link(services: Services, ledger: Ledger) -> str:
    """Make the token of a link that logs in the system's user of this process, once.

    Raises:
        SettingsError: the roles file cannot be used.
    """
    who = person_on_console(services).identity
    token = make_link(ledger, Person(who.name, SYSTEM, who.uid, tuple(group_names())))
    record_act(ledger, who, "login link", _target(who.name))
    return token


def log_in_by_link(ledger: Ledger, token: str) -> str | None:
    """Return the token of a new session; None: the link is unknown, too old, or was used."""
    session = use_link(ledger, token)
    if session is not None:
        _record(ledger, find_session(ledger, session), "log in", "by a link")
    return session


def log_in_by_password(ledger: Ledger, name: str, password: str) -> str | None:
    """Return the token of a new session; None: refused, for whatever reason.

    A user who is disabled, locked or unknown gets the same answer after the same time.
    """
    user = find_user(ledger, name)
    if user is None or user.disabled_at is not None or user.is_locked:
        waste_time(password)
        return None
    if not is_right(user.password_hash, password):
        note_failure(ledger, name)
        _record(ledger, Person(name, LOCAL), "log in failed", "by password")
        return None
    note_success(ledger, name, stronger_hash(user.password_hash, password))
    _record(ledger, Person(name, LOCAL), "log in", "by password")
    return begin_session(ledger, Person(name, LOCAL))


def log_out(ledger: Ledger, token: str) -> None:
    """End a session."""
    _record(ledger, find_session(ledger, token), "log out", "")
    end_session(ledger, token)


def subject_of_session(services: Services, ledger: Ledger, token: str) -> Subject | None:
    """Return the subject of a session with the roles of this moment; None: it has ended.

    Raises:
        SettingsError: the roles file cannot be used.
    """
    person = find_session(ledger, token)
    if person is None:
        return None
    host = socket.gethostname()
    if person.kind == SYSTEM and person.uid is not None:
        identity = Operator(person.name, uid=person.uid, host=host, way=_WAY)
        return Subject(
            identity, grant_of_system_user(services, person.name, person.uid, person.groups)
        )
    user = find_user(ledger, person.name)
    if user is None or user.disabled_at is not None:
        return None
    return Subject(Operator(user.name, host=host, way=_WAY), _grant(user))


def _grant(user: User) -> Grant:
    known = frozenset(Role(role) for role in user.roles if role in set(Role))
    remedy = f"An admin can give another role: `issuance user roles {user.name} ROLE`"
    return Grant(known, "the ledger's local users say so", remedy)


def _record(ledger: Ledger, person: Person | None, verb: str, how: str) -> None:
    if person is not None:
        operator = Operator(person.name, uid=person.uid, host=socket.gethostname(), way=_WAY)
        record_act(ledger, operator, verb, _target(person.name), after=how)


def _target(name: str) -> str:
    return f"user:{name}"
