"""What every command needs: settings, where the parts are, and the open ledger; and how errors end a command."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from redis import Redis
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from broker.publisher import reach_broker
from config.endpoints import Site
from config.logs import configure_logs
from config.settings import Settings, SettingsError, read_settings
from ledger.audit_log import Operator
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from limiter.redis_connection import connect_sync
from limiter.sync_limiter import LimitsConsole
from limiter.unavailable import LimitsUnavailable
from producers import RequestRefusedError
from producers.source import UnusableFile

if TYPE_CHECKING:
    # Loaded where they are used: Celery and httpx cost every command a fifth of a second.
    from celery import Celery

    from broker.wakeup import Nudge

EXIT_FAILED = 1
"""What was asked for did not come about."""
EXIT_UNUSABLE = 2
"""The input or the settings cannot be used; nothing was done."""
EXIT_REFUSED = 3
"""Some of it was refused; the rest was done."""
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C, as shells count it."""

_PING_SECONDS = 0.5

out = Console(highlight=False)
"""For results: standard output."""
err = Console(stderr=True, highlight=False)
"""For progress and errors: standard error."""


class UsageError(Exception):
    """The options do not go together, or one of them is wrong. The message says what to give instead."""


@dataclass(frozen=True)
class Context:
    """One command's settings and parts; used with `with`, which closes its connections at the end."""

    settings: Settings
    site: Site

    @classmethod
    def read(cls) -> Self:
        """Read the settings and find the parts.

        Raises:
            SettingsError: the settings are wrong.
        """
        settings = read_settings()
        return cls(settings, Site.of(settings))

    @classmethod
    @contextmanager
    def opened(cls) -> "Iterator[tuple[Context, Ledger]]":
        """The context of a command that a person runs, and its ledger; whatever is wrong ends as `explained`.

        Unless a log level was asked for, only warnings are logged: such a command says itself what it does.
        """
        with explained():
            context = cls.read()
            quiet = "log_level" not in context.settings.model_fields_set
            configure_logs(context.settings.model_copy(update={"log_level": "WARNING"}) if quiet else context.settings)
            try:
                with context.ledger() as ledger:
                    yield context, ledger
            finally:
                context.close()

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger, its schema checked; the embedded one is made when it is missing.

        Raises:
            LedgerError: it cannot be reached, or its schema does not fit.
        """
        with Ledger(self.site.ledger_url) as ledger:
            if not self.settings.ledger_url:
                ledger.migrate()
            ledger.check_schema()
            yield ledger

    @cached_property
    def _redis(self) -> Redis | None:
        return connect_sync(self.site.redis_url) if self.site.redis_url else None

    @cached_property
    def nudge(self) -> "Nudge | None":
        """Asks for a release at once; None without a broker (beat releases what is due when it is back)."""
        if self._redis is None or not self.site.broker_url:
            return None
        from broker.wakeup import Nudge  # noqa: PLC0415

        return Nudge(self._celery, self._redis)

    @cached_property
    def _celery(self) -> "Celery":
        from broker.celery_app import create_app  # noqa: PLC0415

        return create_app(self.settings, self.site)

    def answering_workers(self, *, within_seconds: float = _PING_SECONDS) -> frozenset[str]:
        """The worker processes, on whatever machine, that answer in time: such as `worker@HOST`.

        Raises:
            BrokerAway: it is out of reach.
        """
        with reach_broker(self._celery):
            answers = self._celery.control.ping(timeout=within_seconds) or []
        return frozenset(node for answer in answers for node in answer)

    def reach_broker(self) -> None:
        """Make sure that the broker can be reached.

        Raises:
            BrokerAway: it cannot.
        """
        with reach_broker(self._celery), self._celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)

    @property
    def limits(self) -> LimitsConsole | None:
        """The API account's limits; None without Redis or without an API."""
        if self._redis is None or not self.site.api_url:
            return None
        from rewards_api.account import ApiAccount  # noqa: PLC0415

        account = ApiAccount.from_settings(self.settings.model_copy(update={"api_url": self.site.api_url}))
        return LimitsConsole(self._redis, account.name, rate_per_minute=self.site.rate_per_minute)

    def close(self) -> None:
        """Close the connections to Redis and the broker."""
        if self._redis is not None:
            if "_celery" in self.__dict__:
                self._celery.close()
            self._redis.close()


def operator(note: str = "") -> Operator:
    """Who is at the keyboard, for the record of actions."""
    try:
        return Operator(getpass.getuser(), note)
    except (KeyError, OSError):  # a container's user without a name
        return Operator("unknown", note)


@contextmanager
def explained() -> Iterator[None]:
    """End the command with status 2 and a message, not a traceback, where the cause is known."""
    try:
        yield
    except (
        *(SettingsError, LedgerError, UnusableFile, RequestRefusedError, LimitsUnavailable, UsageError, ValueError),
    ) as error:
        complain(str(error))
        sys.exit(EXIT_UNUSABLE)
    except DBAPIError as error:
        complain(f"The ledger failed: {error.orig}. What was committed stays; mend the database and run this again")
        sys.exit(EXIT_UNUSABLE)
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(f"{error.filename or 'A file'} cannot be used: {error.strerror}. Mend that and run this again")
        sys.exit(EXIT_UNUSABLE)


def complain(message: str, label: str = "Error") -> None:
    """Say on standard error what is wrong."""
    remark(Text.assemble((f"{label}:", "bold red"), " ", message))


def remark(message: str | Text) -> None:
    """Say something beside the result on standard error: wrapped between words on a terminal, one line in a pipe."""
    err.print(Text(message) if isinstance(message, str) else message, soft_wrap=not err.is_terminal)
