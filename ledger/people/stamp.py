"""What decides who is logged in, read for all people at once."""

from typing import NamedTuple

from sqlalchemy import BigInteger, LargeBinary, cast, null, select, union_all

from ledger.people.sessions import IS_OPEN, digest_of
from ledger.store.database import Ledger
from ledger.store.schema import users, web_sessions


class PeopleStamp(NamedTuple):
    """The sessions that last, and the local users with their roles."""

    sessions: frozenset[bytes]
    users: frozenset[tuple[str, str, int | None]]

    def has_session(self, token: str) -> bool:
        """Whether the session of a token lasts."""
        return digest_of(token) in self.sessions


def read_people_stamp(ledger: Ledger) -> PeopleStamp:
    """Read the stamp with one statement."""
    of_users = select(users.c.name, users.c.roles, users.c.disabled_at, cast(null(), LargeBinary))
    of_sessions = select(
        web_sessions.c.subject,
        web_sessions.c.kind,
        cast(null(), BigInteger),
        web_sessions.c.token_digest,
    ).where(*IS_OPEN)
    with ledger.read() as connection:
        rows = connection.execute(union_all(of_users, of_sessions)).all()
    return PeopleStamp(
        frozenset(bytes(digest) for _, _, _, digest in rows if digest is not None),
        frozenset((name, roles, at) for name, roles, at, digest in rows if digest is None),
    )
