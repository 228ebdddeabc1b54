"""Creates files and folders that only their owner may enter, whatever the process's umask is.

The ledger, its copies, logs and errors files hold customers and vouchers. Modes are explicit here,
so they hold in another program too, such as a web server that calls `producers.enqueue`.
"""

import errno
import os
import secrets
import stat
from pathlib import Path
from typing import IO, BinaryIO

from issuance.errors import ExplainedError

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_GROUP_AND_OTHERS = 0o077
_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_NAME = 200
"""Bytes of a draft's name that come from its file's: most file systems allow 255 in total."""
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)
"""How file systems say that they have no hard links."""


class NotPrivateError(ExplainedError):
    """Others can enter or replace a file or folder. The message says what to do."""


def restrict_umask() -> None:
    """Give group and others no right to any file that this process creates from now on.

    For the entry points of programs only: it holds for all threads and libraries.
    """
    os.umask(_GROUP_AND_OTHERS)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents for their owner only; an existing one is unchanged.

    Raises:
        OSError: it cannot be created.
    """
    try:
        folder.mkdir(_FOLDER_MODE)
    except FileNotFoundError:
        make_folder(folder.parent)
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
    except FileExistsError:
        if not folder.is_dir():
            raise


def is_open_to_others(status: os.stat_result) -> bool:
    """Whether group or others have any right."""
    return bool(status.st_mode & _GROUP_AND_OTHERS)


def tighten(path: Path) -> None:
    """Take the rights of group and others away; without effect on a symlink or a missing file.

    Raises:
        NotPrivateError: it belongs to another user, who alone can do that.
    """
    try:
        status = path.lstat()
        if is_open_to_others(status) and not stat.S_ISLNK(status.st_mode):
            path.chmod(stat.S_IMODE(status.st_mode) & ~_GROUP_AND_OTHERS)
    except FileNotFoundError:
        return
    except PermissionError:
        raise NotPrivateError(
            f"Other users can read {path}, which belongs to user {status.st_uid}: run this as that "
            f"user, or let it run `chmod go= {path}`"
        ) from None


def tighten_all(folder: Path) -> None:
    """Tighten a folder and everything in it; without effect if it is missing.

    Raises:
        NotPrivateError: a file belongs to another user.
    """
    tighten(folder)
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            tighten(Path(parent, name))


def create_if_missing(path: Path) -> None:
    """Create an empty file for its owner only, or tighten an existing one.

    Raises:
        NotPrivateError: others can read it, and it belongs to another user.
        OSError: it cannot be created.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, _FILE_MODE))
    except FileExistsError:
        tighten(path)


def create_new(path: Path) -> BinaryIO:
    """Create a file for its owner only, and open it.

    Raises:
        OSError: it cannot be created, or there is one.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, _FILE_MODE)
    return os.fdopen(descriptor, "wb")


def open_to_append(path: Path, *, keeps_mode: bool = False) -> IO[bytes]:
    """Open a file to append to it, and create it if it is missing.

    Args:
        path: the file; a symlink is not followed.
        keeps_mode: whether an existing file keeps the rights of group and others.

    Raises:
        OSError: it cannot be opened, or it is a symlink, or others can read it and it belongs to
            another user.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE, _FILE_MODE)
    try:
        status = os.fstat(descriptor)
        if is_open_to_others(status) and not keeps_mode:
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~_GROUP_AND_OTHERS)
        return os.fdopen(descriptor, "ab")
    except BaseException:
        os.close(descriptor)
        raise


def create_draft(path: Path) -> tuple[Path, int]:
    """Create an empty file next to another one, which it is to become or to replace.

    Returns:
        The draft, whose name cannot be guessed, and a descriptor that writes to it.

    Raises:
        OSError: it cannot be created.
    """
    name = os.fsdecode(os.fsencode(path.name)[:_LONGEST_NAME])
    draft = path.with_name(f"{name}.{secrets.token_hex(8)}.draft")
    return draft, os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE, _FILE_MODE)


def publish(draft: Path, path: Path) -> None:
    """Give a draft its name, which nothing may have yet; sync its folder.

    Raises:
        FileExistsError: something has that name, even if it is a symlink that leads nowhere.
    """
    try:
        os.link(draft, path, follow_symlinks=False)
        draft.unlink()
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        draft.rename(path)
    sync(path.absolute().parent)


def replace_text(path: Path, text: str) -> None:
    """Write a whole file at once: a reader sees the old text or the new one.

    Raises:
        OSError: it cannot be written.
    """
    draft, descriptor = create_draft(path)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Sync a file to the disk, or a folder, so that a new file in it survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
