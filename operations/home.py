"""Moves the embedded state of an earlier version to HOME, and says which ledger is in use."""

import shutil
from pathlib import Path

from config.home import embedded_ledger, old_home, prepare_home
from config.home_lock import HomeLock
from config.settings import Settings
from config.settings_reader import left_behind, uses_configured_ledger
from files.private import make_folder
from operations.errors import UsageError


def move_old_home(settings: Settings) -> Path | None:
    """Move the state that an earlier version left in the working folder to HOME.

    Returns:
        Where it was; None if there was nothing to move.

    Raises:
        UsageError: a system runs on it, or HOME has files already; nothing was moved.
    """
    old = left_behind(settings)
    if old is None:
        return None
    home = settings.home
    if HomeLock.is_held(old):
        raise UsageError(f"A system runs on {old}: stop it before its state is moved to {home}")
    if home.exists():
        if any(home.iterdir()):
            raise UsageError(
                f"{home} has files already: move {old} there yourself, or set ISSUANCE_HOME={old}"
            )
        home.rmdir()
    make_folder(home.parent)
    shutil.move(old, home)
    prepare_home(home)
    return old


def unconfigured_ledger(settings: Settings) -> str:
    """Say which ledger is used when no setting names it; "" if one does."""
    if uses_configured_ledger(settings):
        return ""
    ledger, old = embedded_ledger(settings.home), old_home()
    unused = f"; {old} is not used, set ISSUANCE_HOME to use it" if old else ""
    return f"Ledger: {ledger}{unused}"
