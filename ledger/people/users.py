"""Local users of the web console: their password hashes, roles and failed logins."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger.audit_log import Operator, record_action
from ledger.store.clock import instant, milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import login_links, users, web_sessions

LONGEST_NAME = 64
FAILURES_MAX = 5
"""Wrong passwords in a row after which a user must wait; each further one doubles the time."""
_FIRST_LOCK_SECONDS = 30.0
_LONGEST_LOCK_SECONDS = 900.0


class UserError(LedgerError):
    """There is no such user, or there is one already."""


@dataclass(frozen=True, slots=True)
class User:
    """A local user."""

    name: str
    password_hash: str
    roles: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    is_locked: bool
    """Whether the user must wait, because of wrong passwords."""


def add_user(
    ledger: Ledger, name: str, password_hash: str, roles: Iterable[str], operator: Operator
) -> None:
    """Add a user; without a hash the user logs in by links only.

    Raises:
        UserError: there is one with this name.
    """
    given = " ".join(sorted(roles))
    values = {"name": name, "password_hash": password_hash, "roles": given}
    try:
        with ledger.write() as connection:
            connection.execute(insert(users).values(created_at=now_ms(), **values))
            record_action(
                connection, operator, verb="user add", target=user_target(name), after=given
            )
    except IntegrityError:
        raise UserError(f"There is a user {name} already: `issuance user list` shows it") from None


def list_users(ledger: Ledger) -> list[User]:
    """Return all users by name."""
    with ledger.read() as connection:
        return [_user(row) for row in connection.execute(_USERS.order_by(users.c.name))]


def find_user(ledger: Ledger, name: str) -> User | None:
    """Return a user, disabled or not; None: there is none."""
    with ledger.read() as connection:
        row = connection.execute(_USERS.where(users.c.name == name)).one_or_none()
        return None if row is None else _user(row)


def change_user(
    ledger: Ledger,
    name: str,
    operator: Operator,
    *,
    verb: str,
    password_hash: str | None = None,
    roles: Iterable[str] | None = None,
    disabled: bool | None = None,
) -> None:
    """Change a user and end their sessions.

    Raises:
        UserError: there is no such user.
    """
    values: dict[str, Any] = {}
    after = ""
    if password_hash is not None:
        values |= {"password_hash": password_hash, "failures": 0, "locked_until": None}
    if roles is not None:
        after = values["roles"] = " ".join(sorted(roles))
    if disabled is not None:
        values["disabled_at"] = now_ms() if disabled else None
    with ledger.write() as connection:
        before = _require(connection, name)
        connection.execute(update(users).where(users.c.name == name).values(values))
        ended = (web_sessions.c.subject == name, web_sessions.c.kind == "user")
        connection.execute(delete(web_sessions).where(*ended))
        connection.execute(delete(login_links).where(login_links.c.subject == name))
        record_action(
            connection,
            operator,
            verb=verb,
            target=user_target(name),
            before=before.roles if roles is not None else "",
            after=after,
        )


def note_failure(ledger: Ledger, name: str) -> None:
    """Count a wrong password; from the fifth in a row on, the user must wait."""
    with ledger.write() as connection:
        query = select(users.c.failures).where(users.c.name == name).with_for_update()
        failures = (connection.scalar(query) or 0) + 1
        over = failures - FAILURES_MAX
        lock = min(_FIRST_LOCK_SECONDS * 2 ** min(over, 10), _LONGEST_LOCK_SECONDS)
        until = {"locked_until": now_ms() + milliseconds(lock)} if over >= 0 else {}
        connection.execute(
            update(users).where(users.c.name == name).values(failures=failures, **until)
        )


def note_success(ledger: Ledger, name: str, password_hash: str | None = None) -> None:
    """Forget wrong passwords; replace the hash if its parameters have become stronger."""
    better = {} if password_hash is None else {"password_hash": password_hash}
    with ledger.write() as connection:
        connection.execute(
            update(users)
            .where(users.c.name == name)
            .values(failures=0, locked_until=None, **better)
        )


_USERS = select(
    users.c.name,
    users.c.password_hash,
    users.c.roles,
    users.c.created_at,
    users.c.disabled_at,
    (users.c.locked_until > now_ms()).label("is_locked"),
)


def require_enabled(connection: Connection, name: str) -> None:
    """Make sure that there is a user who may log in.

    Raises:
        UserError: there is none, or the user is disabled.
    """
    if _require(connection, name).disabled_at is not None:
        raise UserError(f"{name} is disabled: `issuance user enable {name}` undoes it")


def _require(connection: Connection, name: str) -> Any:
    query = select(users).where(users.c.name == name).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UserError(f"There is no user {name}: `issuance user list` shows all")
    return row


def user_target(name: str) -> str:
    """Return the target of actions on a person of the web console."""
    return f"user:{name}"


def _user(row: Any) -> User:
    return User(
        row.name,
        row.password_hash,
        tuple(row.roles.split()),
        cast("datetime", instant(row.created_at)),
        instant(row.disabled_at),
        bool(row.is_locked),
    )
