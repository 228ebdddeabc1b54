"""HOME: the folder of the embedded ledger, broker and logs; one for each user by default."""

import os
import stat
from pathlib import Path

from platformdirs import user_state_path

from files.private import is_open_to_others, make_folder, tighten, tighten_all
from issuance.errors import ExplainedError

_APPLICATION = "reward-issuance"
_LEDGER = "ledger.db"
_OLD_HOME = Path(".issuance")
"""The default of earlier versions, relative to the working folder."""
_LOCK = "up.lock"
_DEMO = "demo"
UPLOADS = "uploads"
"""The folder of the files that people send with the web console."""
_OURS = (
    f"{_LEDGER}*",
    _LOCK,
    "running.*",
    "truth.jsonl",
    "errors.csv",
    "logs",
    "logs/*.log*",
    _DEMO,
    UPLOADS,
)


class HomeError(ExplainedError):
    """HOME cannot be used. The message says what to do."""


def default_home() -> Path:
    """Return the user's own folder: `~/.local/state/reward-issuance` on Linux.

    It does not depend on the working folder, so a command in cron finds the same ledger.
    """
    return user_state_path(_APPLICATION, appauthor=False)


def embedded_ledger(home: Path) -> Path:
    """Return the file of the embedded ledger."""
    return (home / _LEDGER).resolve()


def old_home() -> Path | None:
    """Return the state that an earlier version left in the working folder; None without any."""
    found = _OLD_HOME.resolve()
    return found if embedded_ledger(found).is_file() else None


def prepare_home(home: Path) -> None:
    """Create HOME if it is missing, and close it to all but its owner.

    A folder of this program that others can enter is closed to them, with all files that earlier
    versions left in it. A folder that serves others too is refused: to close `/tmp` or a project's
    folder would harm them.

    Raises:
        HomeError: it cannot be created, belongs to another user, or serves others too.
        NotPrivateError: a file in it belongs to another user.
    """
    try:
        make_folder(home)
    except OSError as error:
        raise HomeError(
            f"The folder {home} cannot be made: {error.strerror}. Check ISSUANCE_HOME"
        ) from error
    require_own(home)
    status = home.stat()
    if not is_open_to_others(status):
        return
    if status.st_mode & stat.S_ISVTX or not _is_ours(home):
        raise HomeError(
            f"Other users can enter {home}, and it holds more than this program's files: set "
            "ISSUANCE_HOME to a folder of its own"
        )
    tighten(home.resolve())
    tighten_state(home)


def require_own(home: Path) -> None:
    """Make sure that HOME belongs to this user: its owner decides what is in it.

    Raises:
        HomeError: it belongs to another user.
    """
    owner = home.stat().st_uid
    if owner != os.geteuid():
        raise HomeError(
            f"{home} belongs to user {owner}, and this is user {os.geteuid()}: run this as its "
            "owner, or set ISSUANCE_HOME to another folder"
        )


def tighten_state(home: Path) -> None:
    """Take the rights of group and others off this program's files in HOME.

    Raises:
        NotPrivateError: one belongs to another user.
    """
    for pattern in _OURS:
        for path in home.glob(pattern):
            tighten(path)
    tighten_all(home / "broker")


def _is_ours(home: Path) -> bool:
    """Whether it has the state of this program, or nothing yet but a user's hidden files."""
    names = {path.name for path in home.iterdir() if not path.name.startswith(".")}
    return names <= {_DEMO, UPLOADS} or not names.isdisjoint({_LEDGER, _LOCK})
