"""What every command shares: its two streams, its exit statuses, and how errors end it."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from config.logs import configure_logs
from issuance.errors import ExplainedError
from ledger.audit_log import Operator
from ledger.store.database import Ledger
from operations.services import Services

EXIT_FAILED = 1
"""The command ran, and the result is a failure."""
EXIT_UNUSABLE = 2
"""The input or the settings cannot be used; nothing was done."""
EXIT_REFUSED = 3
"""Some of it was refused; the rest was done."""
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C, as shells count it."""

out = Console(highlight=False)
"""For results: standard output."""
err = Console(stderr=True, highlight=False)
"""For progress and errors: standard error."""


@contextmanager
def opened() -> Iterator[tuple[Services, Ledger]]:
    """The services of a command that a person runs, and its ledger; errors end it as in `explained`.

    Logs warnings only, unless a log level is set: such a command reports its work itself.
    """
    with explained():
        services = Services.read()
        quiet = "log_level" not in services.settings.model_fields_set
        configure_logs(
            services.settings.model_copy(update={"log_level": "WARNING"})
            if quiet
            else services.settings
        )
        try:
            with services.open_ledger() as ledger:
                yield services, ledger
        finally:
            services.close()


def operator(note: str = "") -> Operator:
    """The person at the keyboard, for the audit log."""
    try:
        return Operator(getpass.getuser(), note)
    except (KeyError, OSError):  # a container's user without a name
        return Operator("unknown", note)


@contextmanager
def explained() -> Iterator[None]:
    """End the command with status 2 and a message, not a traceback, where the cause is known."""
    try:
        yield
    except (ExplainedError, ValueError) as error:
        complain(str(error))
        sys.exit(EXIT_UNUSABLE)
    except DBAPIError as error:
        complain(
            f"The ledger failed: {error.orig}. What was committed stays; mend the database and run this again"
        )
        sys.exit(EXIT_UNUSABLE)
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(
            f"{error.filename or 'A file'} cannot be used: {error.strerror}. Mend that and run this again"
        )
        sys.exit(EXIT_UNUSABLE)


def complain(message: str, label: str = "Error") -> None:
    """Print an error on standard error."""
    remark(Text.assemble((f"{label}:", "bold red"), " ", message))


def remark(message: str | Text) -> None:
    """Print a remark on standard error: wrapped between words on a terminal, one line in a pipe."""
    err.print(Text(message) if isinstance(message, str) else message, soft_wrap=not err.is_terminal)
