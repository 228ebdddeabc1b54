"""Passwords of local users: argon2id by argon2-cffi, with its recommended parameters."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from operations.errors import UsageError

SHORTEST = 12
_LONGEST = 1_024


def hash_password(password: str) -> str:
    """Hash a password.

    Raises:
        UsageError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= _LONGEST:
        raise UsageError(f"A password has {SHORTEST} to {_LONGEST} characters: choose another one")
    return _hasher().hash(password)


def is_right(password_hash: str, password: str) -> bool:
    """Compare a password with a hash, in a time that says nothing about it."""
    try:
        return _hasher().verify(password_hash, password[:_LONGEST])
    except (VerificationError, InvalidHashError):
        return False


def stronger_hash(password_hash: str, password: str) -> str | None:
    """Hash the right password again if the parameters have become stronger; None: they have not."""
    return _hasher().hash(password) if _hasher().check_needs_rehash(password_hash) else None


def waste_time(password: str) -> None:
    """Compare with a hash of nothing: whether a user exists must not show in the time."""
    is_right(_of_nothing(), password)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _of_nothing() -> str:
    return _hasher().hash("no such user")
