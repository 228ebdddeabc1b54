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
from ledger.people.users import find_user, note_failure, note_success
from ledger.store.database import Ledger
from operations.access.people import grant_of_system_user, group_names, person_on_console
from operations.access.subject import Subject
from operations.people.external import ExternalPerson, external_subject
from operations.people.local import WAY, local_subject
from operations.people.passwords import is_right, stronger_hash, waste_time
from operations.services import Services

LOCAL, SYSTEM, EXTERNAL = "user", "system", "oidc"


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
    may_try = user is not None and user.disabled_at is None and not user.is_locked
    if user is None or not may_try or not user.password_hash:
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


def log_in_external(
    services: Services, ledger: Ledger, person: ExternalPerson, how: str
) -> tuple[str | None, Subject]:
    """Return the token of a new session, and the subject; None: the person has no role.

    Raises:
        SettingsError: the roles file cannot be used.
    """
    subject = external_subject(services, ledger, person)
    known = Person(subject.identity.name, EXTERNAL)
    if not subject.grant.roles:
        _record(ledger, known, "log in failed", f"{how}: no role")
        return None, subject
    _record(ledger, known, "log in", how)
    return begin_session(ledger, Person(person.name, EXTERNAL, groups=person.groups)), subject


def subject_of_session(services: Services, ledger: Ledger, token: str) -> Subject | None:
    """Return the subject of a session with the roles of this moment; None: it has ended.

    Raises:
        SettingsError: the roles file cannot be used.
    """
    person = find_session(ledger, token)
    if person is None:
        return None
    if person.kind == EXTERNAL:
        named = ExternalPerson(person.name, person.groups)
        subject = external_subject(services, ledger, named)
        return subject if subject.grant.roles else None
    if person.kind == SYSTEM and person.uid is not None:
        identity = Operator(person.name, uid=person.uid, host=socket.gethostname(), way=WAY)
        return Subject(
            identity, grant_of_system_user(services, person.name, person.uid, person.groups)
        )
    return local_subject(ledger, person.name)


def _record(ledger: Ledger, person: Person | None, verb: str, how: str) -> None:
    if person is not None:
        operator = Operator(person.name, uid=person.uid, host=socket.gethostname(), way=WAY)
        record_act(ledger, operator, verb, _target(person.name), after=how)


def _target(name: str) -> str:
    return f"user:{name}"
