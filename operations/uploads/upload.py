"""One upload's folder: the file, what is known of it, and the lock of the process that works."""

import fcntl
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from files.private import open_to_append, replace_text
from operations.uploads.state import BUSY, PROGRESS, STATE, Progress, State

_PROBED_SECONDS = 0.3
"""`is_busy` takes the lock for a moment."""
_ENDING_SECONDS = 10.0
"""A process that has written its result still closes its connections."""
_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class About:
    """What does not change."""

    owner: str
    """The person who sent it."""
    name: str
    """The file's name on their machine."""
    size: int
    at: datetime
    has_rewards: bool
    """Whether it came with the rewards' prices."""


_ABOUT = TypeAdapter(About)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that its owner asked for."""

    id: str
    folder: Path
    about: About

    @property
    def rows(self) -> Path:
        """The file as it came; it is removed when its rows are accepted."""
        return rows_of(self.folder)

    @property
    def rewards(self) -> Path | None:
        """The rewards' prices; None: none were sent."""
        return rewards_of(self.folder) if self.about.has_rewards else None

    @property
    def refused(self) -> Path:
        """The rows that the last check or acceptance refused."""
        return self.folder / "refused.csv"

    @property
    def is_busy(self) -> bool:
        """Whether a process has the lock now; one that has written its result ends soon."""
        lock = self._try_lock()
        if lock is None:
            return True
        os.close(lock)
        return False

    def claim(self) -> int | None:
        """Take the lock; return its descriptor, or None if a process works on the upload.

        The lock ends with the process, even if that is killed.
        """
        is_working = self.read().stage in BUSY
        until = time.monotonic() + (_PROBED_SECONDS if is_working else _ENDING_SECONDS)
        while (lock := self._try_lock()) is None and time.monotonic() < until:
            time.sleep(_AGAIN_SECONDS)
        return lock

    def _try_lock(self) -> int | None:
        with open_to_append(self.folder / "lock") as file:
            descriptor = os.dup(file.fileno())
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def read(self) -> State:
        """Read what is known of it."""
        try:
            return STATE.validate_json((self.folder / "state.json").read_bytes())
        except FileNotFoundError:
            return State()

    def write(self, state: State) -> None:
        """Write what is known of it; only the process that has the lock may."""
        replace_text(self.folder / "state.json", STATE.dump_json(state).decode())

    def read_progress(self) -> Progress:
        """Read how far the process is."""
        try:
            return PROGRESS.validate_json((self.folder / "progress.json").read_bytes())
        except FileNotFoundError:
            return Progress()

    def write_progress(self, progress: Progress) -> None:
        """Write how far the process is."""
        replace_text(self.folder / "progress.json", PROGRESS.dump_json(progress).decode())

    def remove_file(self) -> None:
        """Remove what holds customers."""
        self.rows.unlink(missing_ok=True)
        rewards_of(self.folder).unlink(missing_ok=True)


def is_interrupted(state: State, *, is_busy: bool) -> bool:
    """Whether the process that worked on it has ended too early."""
    return state.stage in BUSY and not is_busy


def rows_of(folder: Path) -> Path:
    """Return where an upload's file is."""
    return folder / "rows"


def rewards_of(folder: Path) -> Path:
    """Return where an upload's prices are."""
    return folder / "rewards.json"


def write_about(folder: Path, about: About) -> None:
    """Write what does not change; before that there is no upload."""
    replace_text(folder / "about.json", _ABOUT.dump_json(about).decode())


def find_in(folder: Path) -> Upload | None:
    """Return the upload of a folder; None: there is none, or it has not come whole."""
    try:
        return Upload(
            folder.name, folder, _ABOUT.validate_json((folder / "about.json").read_bytes())
        )
    except OSError:
        return None


def remove_folder(folder: Path) -> None:
    """Remove an upload with all that is known of it."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
