"""The accounts of a running process: read again when their file or a secret changes."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import structlog

from config.accounts import Account, find_account
from config.accounts_file import AccountsFile, check_together, read_accounts_file
from config.settings import SettingsError
from issuance.account import DEFAULT_ACCOUNT

log = structlog.get_logger("issuance.accounts")

_CHECK_SECONDS = 1.0

_Stamp = tuple[int, int, int] | None


class AccountRegistry:
    """The account of the settings, and those of the accounts file. Safe to share between threads.

    A new file that cannot be used changes nothing: the accounts that were read last stay, and
    `problem` says why.

    Args:
        file: the accounts file; None if there is none.
        default: the account of the settings; None if they name no API.
        clock: monotonic seconds.

    Raises:
        SettingsError: the file cannot be used, and no earlier one was read.
    """

    def __init__(
        self,
        file: Path | None,
        default: Account | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.file = file
        self.problem = ""
        """Why the newest file is not in use; "" if it is."""
        self._default = default
        self._clock = clock
        self._lock = threading.Lock()
        self._check_at = clock() + _CHECK_SECONDS
        self._secret_files: tuple[Path, ...] = ()
        self._stamps: tuple[_Stamp, ...] = ()
        self._accounts: Mapping[str, Account] = {}
        self._read()

    def all(self) -> Mapping[str, Account]:
        """Return the accounts by name; looks for changes at most once a second."""
        if self.file is not None and self._clock() >= self._check_at:
            with self._lock:
                if self._clock() >= self._check_at:
                    self._check_at = self._clock() + _CHECK_SECONDS
                    self._refresh()
        return self._accounts

    def get(self, name: str = DEFAULT_ACCOUNT) -> Account:
        """Return the account of this name.

        Raises:
            AccountError: there is none.
        """
        return find_account(self.all(), name, self.file)

    def find(self, name: str) -> Account | None:
        """Return the account of this name, or None."""
        return self.all().get(name)

    @property
    def are_several(self) -> bool:
        """Whether there is more than one account."""
        return len(self.all()) > 1

    def _refresh(self) -> None:
        # A file that is not in use is tried again: the secret that it lacks is not watched yet.
        if not self.problem and self._stamps == self._stamp():
            return
        before, known_problem = self._accounts, self.problem
        try:
            self._read()
        except SettingsError as error:
            self.problem = str(error)
        else:
            self.problem = ""
        if self.problem:
            if self.problem != known_problem:
                log.error("accounts_file_refused", why=self.problem, accounts_in_use=sorted(before))
            return
        log.info(
            "accounts_read",
            added=sorted(self._accounts.keys() - before.keys()),
            removed=sorted(before.keys() - self._accounts.keys()),
            changed=sorted(
                name
                for name, account in self._accounts.items()
                if name in before and before[name] != account
            ),
        )

    def _read(self) -> None:
        while True:
            # Stamped before it is read: a change in between shows at the next check.
            self._stamps = self._stamp()
            found = AccountsFile({}, ()) if self.file is None else read_accounts_file(self.file)
            if found.secret_files == self._secret_files:
                break
            self._secret_files = found.secret_files
        own = {} if self._default is None else {DEFAULT_ACCOUNT: self._default}
        accounts = {**own, **found.accounts}
        check_together(accounts)
        self._accounts = MappingProxyType(accounts)

    def _stamp(self) -> tuple[_Stamp, ...]:
        return () if self.file is None else tuple(map(_stamp, (self.file, *self._secret_files)))


def _stamp(file: Path) -> _Stamp:
    """Identify a file's version: a file that is written in place, replaced or removed differs."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
