"""What commands share: output streams, exit statuses, and the handling of errors."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import wrap

from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from config.logs import configure_logs
from issuance.display import printable
from issuance.errors import ExplainedError, UnreachableError
from ledger.store.database import Ledger, is_away
from ledger.store.usage import used
from operations.access.people import person_on_console
from operations.access.subject import NotAllowedError, Subject
from operations.home import unconfigured_ledger
from operations.services import Services

EXIT_FAILED = 1
"""The command ran, and the result is a failure."""
EXIT_UNUSABLE = 2
"""The input or the settings are unusable; nothing was done."""
EXIT_REFUSED = 3
"""A part was refused; the rest was done."""
EXIT_AWAY = 69
"""A server is away; the same command may work later. As EX_UNAVAILABLE of sysexits.h."""
EXIT_NOT_ALLOWED = 77
"""The user has no role that may do this; nothing was done. As EX_NOPERM of sysexits.h."""
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C, as shells count it."""

_BREAKS = re.compile(r"[ \t]*[\r\n\t][\s]*")
_NO_BREAK = "\N{NO-BREAK SPACE}"
_INDENT = 2

out = Console(highlight=False)
"""For results: standard output."""
err = Console(stderr=True, highlight=False)
"""For progress and errors: standard error."""


@contextmanager
def opened(*, create: bool = False) -> Iterator[tuple[Subject, Services, Ledger]]:
    """The subject, the services and the ledger of a command; errors end it as in `explained`.

    On a terminal it says which ledger is used, unless a setting names it.

    Args:
        create: whether a missing embedded ledger is created.
    """
    with explained():
        services = read_services()
        subject = person(services)
        if err.is_terminal and (which := unconfigured_ledger(services.settings)):
            remark(which)
        try:
            with (
                services.open_ledger(create=create) as ledger,
                used(services.servers.ledger_url),
            ):
                yield subject, services, ledger
        finally:
            services.close()


def read_services(*, allow_old_home: bool = False) -> Services:
    """Read the settings and configure the log.

    A command prints its result itself. Unless the settings have a log level, it logs warnings
    only, and on a terminal errors only, so that no entry mixes into its output.
    """
    services = Services.read(allow_old_home=allow_old_home)
    settings = services.settings
    if "log_level" not in settings.model_fields_set:
        level = "ERROR" if err.is_terminal else "WARNING"
        settings = settings.model_copy(update={"log_level": level})
    configure_logs(settings)
    return services


def person(services: Services) -> Subject:
    """The person at the keyboard.

    Raises:
        NotAllowedError: it has no role, so that no command does anything for it.
        SettingsError: the roles file cannot be used.
    """
    subject = person_on_console(services)
    subject.require_a_role()
    return subject


@contextmanager
def explained() -> Iterator[None]:
    """End the command with a status and a message instead of a traceback for known causes.

    The status is 69 when a server is away, 77 when the user may not do this, and 2 for everything
    that must be corrected first.
    """
    try:
        yield
    except UnreachableError as error:
        complain(str(error))
        sys.exit(EXIT_AWAY if error.may_return else EXIT_UNUSABLE)
    except NotAllowedError as error:
        complain(str(error))
        sys.exit(EXIT_NOT_ALLOWED)
    except (ExplainedError, ValueError) as error:
        complain(str(error))
        sys.exit(EXIT_UNUSABLE)
    except DBAPIError as error:
        complain(
            f"The ledger failed: {error.orig}. Committed work is kept; repair the database and run "
            "this again"
        )
        sys.exit(EXIT_AWAY if is_away(error) else EXIT_UNUSABLE)
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(
            f"{error.filename or 'A file'} cannot be used: {error.strerror}. Fix that and run this "
            "again"
        )
        sys.exit(EXIT_UNUSABLE)


def complain(message: str, label: str = "Error") -> None:
    """Print an error on standard error."""
    remark(Text.assemble((f"{label}:", "bold red"), " ", message))


def remark(message: str | Text) -> None:
    """Print a remark on standard error."""
    print_wrapped(err, message)


def print_wrapped(console: Console, line: str | Text) -> None:
    """Print one line: on a terminal folded between words, whole in a pipe."""
    text = clean(Text(line) if isinstance(line, str) else line)
    if console.is_terminal and text.cell_len > console.width:
        text = fold(text, console.width)
    console.print(
        Text(text.plain.replace(_NO_BREAK, " "), text.style, spans=text.spans), soft_wrap=True
    )


def clean(text: Text) -> Text:
    """Escape what the terminal would obey; a line break in a value becomes a blank.

    Everything that commands print passes here or through `layout.say_row`, so that no answer and
    no file can move the cursor, whatever the renderer does. A dirty text loses its colours.
    """
    plain = text.plain
    if plain.isascii() and plain.isprintable():
        return text
    one_line = _BREAKS.sub(" ", plain)
    shown = _NO_BREAK.join(map(printable, one_line.split(_NO_BREAK)))
    return text if shown == plain else Text(shown, text.style)


def fold(text: Text, width: int) -> Text:
    """Fold a line between words; all but the first are indented by two more blanks."""
    indent = " " * (len(text.plain) - len(text.plain.lstrip()) + _INDENT)
    lines = wrap(
        text.plain,
        width,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=_NO_BREAK not in text.plain,
    )
    spans = [span for span in text.spans if span.end <= len(lines[0])]
    return Text("\n".join(lines), text.style, spans=spans)


def whole(command: str) -> str:
    """Keep a command on one line when its text is wrapped, so that it can be copied."""
    return command.replace(" ", _NO_BREAK)
