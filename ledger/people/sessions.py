"""Sessions of the web console, and links that log in once. Tokens are kept as digests."""

from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import Connection, delete, insert, select, update

from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import login_links, web_sessions

SESSION_SECONDS = 12 * 3600.0
"""The longest a session lasts."""
IDLE_SECONDS = 2 * 3600.0
"""A session ends when it was not used for this long."""
LINK_SECONDS = 15 * 60.0
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
    token = token_urlsafe(_TOKEN_BYTES)
    with ledger.write() as connection:
        connection.execute(
            insert(login_links).values(
                token_digest=_digest(token),
                subject=person.name,
                uid=person.uid,
                groups="\n".join(person.groups),
                expires_at=now_ms() + milliseconds(LINK_SECONDS),
            )
        )
    return token


def use_link(ledger: Ledger, token: str) -> str | None:
    """Use a link up; returns the session's token, or None if the link is unknown, old or used."""
    with ledger.write() as connection:
        used = connection.execute(
            delete(login_links)
            .where(
                login_links.c.token_digest == _digest(token), login_links.c.expires_at > now_ms()
            )
            .returning(login_links.c.subject, login_links.c.uid, login_links.c.groups)
        ).one_or_none()
        if used is None:
            return None
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
            token_digest=_digest(token),
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
        query = _SESSION.where(web_sessions.c.token_digest == _digest(token))
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.is_stale:
        with ledger.write() as connection:
            connection.execute(
                update(web_sessions)
                .where(web_sessions.c.token_digest == _digest(token))
                .values(seen_at=now_ms())
            )
    groups = tuple(row.groups.split("\n")) if row.groups else ()
    return Person(row.subject, row.kind, row.uid, groups)


def end_session(ledger: Ledger, token: str) -> None:
    """End a session; no effect on one that has ended."""
    with ledger.write() as connection:
        connection.execute(
            delete(web_sessions).where(web_sessions.c.token_digest == _digest(token))
        )


_SESSION = select(
    web_sessions.c.subject,
    web_sessions.c.kind,
    web_sessions.c.uid,
    web_sessions.c.groups,
    (web_sessions.c.seen_at < now_ms() - milliseconds(_SEEN_EVERY_SECONDS)).label("is_stale"),
).where(
    web_sessions.c.expires_at > now_ms(),
    web_sessions.c.seen_at > now_ms() - milliseconds(IDLE_SECONDS),
)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
