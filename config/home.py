"""HOME: the folder of the embedded ledger, broker and logs; one for each user by default."""

from pathlib import Path

from platformdirs import user_state_path

_APPLICATION = "reward-issuance"
_LEDGER = "ledger.db"
_OLD_HOME = Path(".issuance")
"""The default of earlier versions, relative to the working folder."""


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
