"""Backs up a ledger that is a file while it is in use, and restores it. Servers have own tools."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import URL

from files.private import create_draft, make_folder, publish, sync, tighten
from ledger.audit_log import Operator, migration_record
from ledger.retention.restore import mark_restored
from ledger.retention.restored_secret import UNKNOWN, FormerSecret, check_secret, read_former
from ledger.store.database import Ledger, ledger_url
from ledger.store.dialects.dialect import Dialect, dialect_named
from ledger.store.errors import LedgerError
from ledger.store.usage import unused

_BUSY_SECONDS = 30


def back_up(url: str, path: Path, begin: Callable[[], None] = lambda: None) -> int:
    """Copy a ledger into a new file and check the copy; returns its size in bytes.

    Workers and producers may continue: SQLite's backup copies one consistent state. The copy is a
    single file, readable only by its owner, and is on the disk when this returns.

    Args:
        url: the ledger's URL.
        path: the copy's path, which must not exist.
        begin: called before the copy is made, once nothing else forbids it.

    Raises:
        LedgerError: the ledger is no file, the copy is damaged, or the path exists.
    """
    file = _file(url, lambda dialect: dialect.dump_command)
    if os.path.lexists(path):
        raise LedgerError(_TAKEN.format(path=path))
    begin()
    draft = _new_draft(path)
    try:
        with _opened(file) as source, _opened(draft) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # all in one file
            _check(copy, draft)
        sync(draft)
        publish(draft, path)
    except FileExistsError:
        raise LedgerError(_TAKEN.format(path=path)) from None
    finally:
        _remove(draft)
    return path.stat().st_size


def restore(
    url: str,
    path: Path,
    operator: Operator,
    *,
    aside_suffix: str,
    secret: bytes | None = None,
    other_secret: bool = False,
) -> Path | None:
    """Replace a ledger by a copy, and mark it as restored. All processes must be stopped.

    A copy of a version without a secret gets that of the present ledger.

    Args:
        url: the ledger's URL.
        path: a copy made by `back_up`; an older schema is migrated.
        operator: the operator and the reason.
        aside_suffix: appended to the name of the current file, which is kept.
        secret: the deployment's secret, if a file has it; None: the ledger has it.
        other_secret: whether the copy's secret may differ from the present ledger's: see
            `restored_secret`.

    Returns:
        The new path of the former file; None when there was none.

    Raises:
        LedgerError: the ledger is no file, a process uses it, or the copy is missing, damaged, of a
            newer program, or has another secret; nothing has changed.
    """
    file = _file(url, lambda dialect: dialect.load_command)
    if not path.exists():
        raise LedgerError(f"There is no {path}: name a file that `issuance backup` has written")
    make_folder(file.parent)
    with unused(file):
        former = _former_secret(file)

        def prepare(draft: Path) -> None:
            with Ledger(URL.create("sqlite", database=str(draft)), secret=secret) as ledger:
                is_new = not _has_secret(draft) and secret is None and former.value is None
                ledger.migrate(migration_record(operator), former_secret=former.value)
                ledger.check_schema()
                if not other_secret:
                    check_secret(ledger, former, is_new=is_new)
                mark_restored(ledger, operator, f"from {path}")

        return _replace(file, path, prepare, aside_suffix)


def _former_secret(file: Path) -> FormerSecret:
    # Read-only: a damaged ledger is put aside as it was found, with its WAL.
    uri = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as present:
            return read_former(present)
    except sqlite3.Error:  # for example, it is missing
        return UNKNOWN


def _has_secret(draft: Path) -> bool:
    with _opened(draft) as connection:
        return read_former(connection).has_row


def _replace(
    file: Path, path: Path, prepare: Callable[[Path], None], aside_suffix: str
) -> Path | None:
    with _opened(path) as copy:
        _check(copy, path)
    draft = _new_draft(file)
    try:
        with _opened(path) as copy, _opened(draft) as new:
            copy.backup(new)
        prepare(draft)
        sync(draft)
        aside = _put_aside(file, aside_suffix)
        publish(draft, file)
    finally:
        _remove(draft)
    return aside


def _new_draft(path: Path) -> Path:
    draft, descriptor = create_draft(path)
    os.close(descriptor)
    return draft


def _remove(draft: Path) -> None:
    for suffix in (*_SUFFIXES, "-journal"):
        Path(f"{draft}{suffix}").unlink(missing_ok=True)


_TAKEN = "{path} exists already: give the backup another name"
_SUFFIXES = ("", "-wal", "-shm")
"""A database in WAL mode has up to three files, which must stay together."""


def _put_aside(file: Path, suffix: str) -> Path | None:
    if not os.path.lexists(file):
        return None
    aside = Path(f"{file}{suffix}")
    for part in reversed(_SUFFIXES):
        with suppress(FileNotFoundError):
            Path(f"{file}{part}").rename(f"{aside}{part}")
            tighten(Path(f"{aside}{part}"))
    return aside


def _file(url: str, instead: Callable[[Dialect], str]) -> Path:
    parsed = ledger_url(url)
    dialect = dialect_named(parsed.get_backend_name())
    file = dialect.file(parsed)
    if file is None:
        raise LedgerError(
            "This copies a ledger that is a SQLite file; use your database's own tools: "
            f"{instead(dialect)} (see the runbook)"
        )
    return file


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise LedgerError(
            f"{path} cannot be copied: {error}. Check the file and its disk"
        ) from error


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise LedgerError(f"{path} is damaged ({found}): use another copy")
    if not connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
    ).fetchone():
        raise LedgerError(f"{path} holds no ledger: name a file that `issuance backup` has written")
