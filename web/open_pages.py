"""The people behind open pages: checked for all of them at once, twice a second."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ledger.people.stamp import PeopleStamp, read_people_stamp
from ledger.store.database import Ledger
from operations.people.external import ExternalPerson
from operations.services import Services
from web.shared import Shared

_V = TypeVar("_V")
"""A viewer."""
_CHECKED_EVERY_SECONDS = 0.5
"""A tick comes each second, so that a session ends within one."""
_KEPT_SECONDS = 60.0
"""Then the session is read itself, which notes that it is in use."""
_MOST = 1_000


class _Stamp(NamedTuple):
    people: PeopleStamp
    roles_file: bytes


_Users = tuple[frozenset[tuple[str, str, int | None]], bytes]


@dataclass(frozen=True, slots=True)
class _Known(Generic[_V]):
    viewer: _V
    users: _Users
    until: float

    def holds(self, users: _Users) -> bool:
        """Whether nothing about people has changed since then."""
        return self.users == users and time.monotonic() < self.until


class OpenPages(Generic[_V]):
    """Remembers the viewers of open pages for as long as nothing about people changes.

    Args:
        services: knows the roles file.
        ledger: has the sessions and the local users.
    """

    def __init__(self, services: Services, ledger: Ledger) -> None:
        self._services = services
        self._ledger = ledger
        self._stamps = Shared(fresh_seconds=_CHECKED_EVERY_SECONDS)
        self._lock = threading.Lock()
        self._known: dict[str | ExternalPerson, _Known[_V]] = {}

    def viewer(self, key: str | ExternalPerson, find: Callable[[], _V | None]) -> _V | None:
        """Return the viewer of an open page; None: the session has ended.

        Args:
            key: the session's token, or the person whom a trusted proxy names.
            find: finds the viewer in the ledger.
        """
        stamp = self._stamps.read("people", self._read).value
        users = (stamp.people.users, stamp.roles_file)
        known = self._known.get(key)
        # A session that began after the stamp is not in it, and is looked up.
        lasts = not isinstance(key, str) or stamp.people.has_session(key)
        if known is not None and lasts and known.holds(users):
            return known.viewer
        viewer = find()
        with self._lock:
            self._known.pop(key, None)
            if viewer is not None:
                self._known[key] = _Known(viewer, users, time.monotonic() + _KEPT_SECONDS)
            while len(self._known) > _MOST:
                self._known.pop(next(iter(self._known)))
        return viewer

    def _read(self) -> _Stamp:
        return _Stamp(read_people_stamp(self._ledger), self._roles())

    def _roles(self) -> bytes:
        file = self._services.settings.roles_file
        try:
            return b"" if file is None else file.read_bytes()
        except OSError as error:
            return str(error).encode()
