"""What a person does with uploads: sends one, lists their own, finds and removes one."""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from config.home import UPLOADS
from files.private import make_folder
from issuance.display import printable
from issuance.errors import ExplainedError
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.services import Services
from operations.uploads.receiving import Receiving
from operations.uploads.upload import About, Upload, find_in, remove_folder, write_about

MOST_UPLOADS = 20
"""Of one person: a disk is finite."""
KEPT_SECONDS = 86_400
"""How long an upload is kept after the last thing that happened to it."""
_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST_NAME = 200


class NoSuchUploadError(ExplainedError):
    """There is no such upload, or it is another person's."""


@needs(Right.BLAST)
@contextmanager
def receive_upload(subject: Subject, services: Services) -> Iterator[Receiving]:
    """Take a file piece by piece; at the end of the block it is an upload.

    If the block raises, nothing of it is kept.

    Raises:
        UsageError: the person has too many uploads, no file came, or the disk refuses it.
    """
    remove_abandoned(services)
    if len(list_uploads(subject, services)) >= MOST_UPLOADS:
        raise UsageError(
            f"You have {MOST_UPLOADS} uploads: finish one or remove one, then send the file again"
        )
    folder = _folder(services) / secrets.token_hex(16)
    receiving = Receiving(folder, services.settings.web_upload_max_bytes)
    try:
        make_folder(folder)
        yield receiving
        receiving.end()
        about = About(
            _owner(subject),
            _shown_name(receiving.name),
            receiving.size,
            datetime.now(UTC),
            receiving.has_rewards,
        )
        write_about(folder, about)
    except OSError as error:
        remove_folder(folder)
        raise UsageError(
            f"The file cannot be stored: {error.strerror}. The disk of ISSUANCE_HOME must take it"
        ) from None
    except BaseException:
        remove_folder(folder)
        raise
    finally:
        receiving.end_file()


@needs(Right.BLAST)
def list_uploads(subject: Subject, services: Services) -> list[Upload]:
    """List the person's uploads, newest first."""
    mine = [
        found
        for folder in _folders(services)
        if (found := find_in(folder)) is not None and found.about.owner == _owner(subject)
    ]
    return sorted(mine, key=lambda each: each.about.at, reverse=True)


@needs(Right.BLAST)
def find_upload(subject: Subject, services: Services, upload_id: str) -> Upload:
    """Find one of the person's uploads.

    Raises:
        NoSuchUploadError: there is none, or it is another person's.
    """
    found = find_in(_folder(services) / upload_id) if _ID.fullmatch(upload_id) else None
    if found is None or found.about.owner != _owner(subject):
        raise NoSuchUploadError(
            "There is no such upload of yours; one is kept for a day after its last use"
        )
    return found


@needs(Right.BLAST)
def remove_upload(subject: Subject, services: Services, upload_id: str) -> None:
    """Remove one of the person's uploads.

    Raises:
        NoSuchUploadError: there is none, or it is another person's.
        UsageError: a process works on it.
    """
    upload = find_upload(subject, services, upload_id)
    lock = upload.claim()
    if lock is None:
        raise UsageError("The file is being read: wait until that has ended")
    remove_folder(upload.folder)
    os.close(lock)


def remove_abandoned(services: Services) -> None:
    """Remove every person's uploads that nothing has happened to for a day."""
    for folder in _folders(services):
        with suppress(FileNotFoundError):  # another process removes it, too
            if time.time() - _last_change(folder) >= KEPT_SECONDS:
                upload = find_in(folder)
                if upload is None or not upload.is_busy:
                    remove_folder(folder)


def _last_change(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *folder.glob("*.json")))


def _folder(services: Services) -> Path:
    return services.settings.home / UPLOADS


def _folders(services: Services) -> list[Path]:
    folder = _folder(services)
    return [each for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []


def _owner(subject: Subject) -> str:
    """Return who a person is; a local user is another one than the system's user of that name."""
    return f"{subject.identity.name}/{subject.identity.uid}"


def _shown_name(name: str) -> str:
    """Return a file's own name, without the folders that some browsers send with it."""
    return printable(re.split(r"[/\\]", name)[-1])[-_LONGEST_NAME:] or "file.csv"
