"""Sessions of the web console, and links that log in once. Tokens are kept as digests."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import Connection, delete, func, insert, select, update

from ledger.audit_log import Operator, record_action
from ledger.people.users import require_enabled, user_target
from ledger.store.clock import instant, milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import login_links, web_sessions

SESSION_SECONDS = 12 * 3600.0
"""The longest a session lasts."""
IDLE_SECONDS = 2 * 3600.0
"""A session ends when it was not used for this long."""
LINK_SECONDS = 15 * 60.0
INVITATION_SECONDS = 24 * 3600.0
"""How long the link of a local user works."""
_NO_UID = -1
"""`login_links.uid` of a local user's link: the column has no null."""
_TOKEN_BYTES = 32
_SEEN_EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Person:
    """Whose session it is."""

    name: str
    kind: str
    """`user`: a local user; `system`: a user of the system, who came by a link; `oidc`: a person
    whom a provider has logged in."""
    uid: int | None = None
    """Of a user of the system."""
    groups: tuple[str, ...] = ()
    """Of a user of the system, or as the provider named them at the login."""


def make_link(ledger: Ledger, person: Person) -> str:
    """Make a link's token, which logs a user of the system in once, within 15 minutes."""
    with ledger.write() as connection:
        return _make_link(connection, person, LINK_SECONDS)


def make_user_link(ledger: Ledger, name: str, operator: Operator) -> str:
    """Make a link's token, which logs a local user in once, within a day.

    Raises:
        UserError: there is no such user, or the user is disabled.
    """
    with ledger.write() as connection:
        require_enabled(connection, name)
        token = _make_link(connection, Person(name, "user"), INVITATION_SECONDS)
        record_action(connection, operator, verb="login link", target=user_target(name))
        return token


def _make_link(connection: Connection, person: Person, seconds: float) -> str:
    token = token_urlsafe(_TOKEN_BYTES)
    connection.execute(
        insert(login_links).values(
            token_digest=digest_of(token),
            subject=person.name,
            uid=_NO_UID if person.uid is None else person.uid,
            groups="\n".join(person.groups),
            expires_at=now_ms() + milliseconds(seconds),
        )
    )
    return token


def use_link(ledger: Ledger, token: str) -> str | None:
    """Use a link up; returns the session's token, or None if the link is unknown, old or used."""
    with ledger.write() as connection:
        used = connection.execute(
            delete(login_links)
            .where(
                login_links.c.token_digest == digest_of(token), login_links.c.expires_at > now_ms()
            )
            .returning(login_links.c.subject, login_links.c.uid, login_links.c.groups)
        ).one_or_none()
        if used is None:
            return None
        if used.uid == _NO_UID:
            return _begin(connection, Person(used.subject, "user"))
        groups = tuple(used.groups.split("\n")) if used.groups else ()
        return _begin(connection, Person(used.subject, "system", used.uid, groups))


def begin_session(ledger: Ledger, person: Person) -> str:
    """Begin a session; returns its token."""
    with ledger.write() as connection:
        return _begin(connection, person)


def _begin(connection: Connection, person: Person) -> str:
    connection.execute(delete(web_sessions).where(web_sessions.c.expires_at < now_ms()))
    connection.execute(delete(login_links).where(login_links.c.expires_at < now_ms()))
    token = token_urlsafe(_TOKEN_BYTES)
    connection.execute(
        insert(web_sessions).values(
            token_digest=digest_of(token),
            subject=person.name,
            kind=person.kind,
            uid=person.uid,
            groups="\n".join(person.groups),
            created_at=now_ms(),
            seen_at=now_ms(),
            expires_at=now_ms() + milliseconds(SESSION_SECONDS),
        )
    )
    return token


def find_session(ledger: Ledger, token: str) -> Person | None:
    """Return whose session it is; None: there is none, or it has ended."""
    with ledger.read() as connection:
        query = _SESSION.where(web_sessions.c.token_digest == digest_of(token))
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.is_stale:
        with ledger.write() as connection:
            connection.execute(
                update(web_sessions)
                .where(web_sessions.c.token_digest == digest_of(token))
                .values(seen_at=now_ms())
            )
    groups = tuple(row.groups.split("\n")) if row.groups else ()
    return Person(row.subject, row.kind, row.uid, groups)


def end_session(ledger: Ledger, token: str) -> None:
    """End a session; no effect on one that has ended."""
    with ledger.write() as connection:
        connection.execute(
            delete(web_sessions).where(web_sessions.c.token_digest == digest_of(token))
        )


def end_sessions(ledger: Ledger, name: str, operator: Operator) -> int:
    """End all sessions of a person of any kind, and void their links; returns how many ended."""
    with ledger.write() as connection:
        ended = connection.execute(delete(web_sessions).where(web_sessions.c.subject == name))
        connection.execute(delete(login_links).where(login_links.c.subject == name))
        record_action(
            connection,
            operator,
            verb="user log out",
            target=user_target(name),
            after=f"{ended.rowcount} sessions",
        )
        return ended.rowcount


@dataclass(frozen=True, slots=True)
class OpenSessions:
    """The open sessions of one person."""

    name: str
    kind: str
    count: int
    since: datetime | None
    """When the oldest began."""
    seen_at: datetime | None
    """When one was used last, give or take a minute."""


def list_sessions(ledger: Ledger, limit: int) -> tuple[list[OpenSessions], int]:
    """Return the people with open sessions, the last seen first, and how many people there are."""
    columns = web_sessions.c
    people = (
        select(
            columns.subject,
            columns.kind,
            func.count().label("sessions"),
            func.min(columns.created_at).label("since"),
            func.max(columns.seen_at).label("seen_at"),
        )
        .where(*IS_OPEN)
        .group_by(columns.subject, columns.kind)
    )
    of_all = people.subquery()
    newest = people.order_by(func.max(columns.seen_at).desc(), columns.subject).limit(limit)
    with ledger.read() as connection:
        found = [
            OpenSessions(name, kind, count, instant(since), instant(seen_at))
            for name, kind, count, since, seen_at in connection.execute(newest)
        ]
        return found, connection.scalar(select(func.count()).select_from(of_all)) or 0


IS_OPEN = (
    web_sessions.c.expires_at > now_ms(),
    web_sessions.c.seen_at > now_ms() - milliseconds(IDLE_SECONDS),
)
"""The conditions of a session that has not ended."""
_SESSION = select(
    web_sessions.c.subject,
    web_sessions.c.kind,
    web_sessions.c.uid,
    web_sessions.c.groups,
    (web_sessions.c.seen_at < now_ms() - milliseconds(_SEEN_EVERY_SECONDS)).label("is_stale"),
).where(*IS_OPEN)


def digest_of(token: str) -> bytes:
    """Return the digest under which a token is kept."""
    return sha256(token.encode()).digest()
