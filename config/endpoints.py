"""The addresses of the servers: from the settings, or else from a running `issuance up`."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from config.home import embedded_ledger, require_own
from config.home_lock import HomeLock
from config.server_parts import split_login, with_login
from config.settings import Settings
from files.private import replace_text


@dataclass(frozen=True, slots=True)
class Servers:
    """URLs of the servers; an empty one means that there is no such server now."""

    ledger_url: str
    broker_url: str
    redis_url: str
    api_url: str
    rate_per_minute: int
    """Calls per minute to the API account, 0 for no limit: the setting, or the simulator's rate."""

    @property
    def is_rabbitmq(self) -> bool:
        """Whether the broker is RabbitMQ; any other broker is Redis."""
        return self.broker_url.startswith("amqp")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Find the servers for these settings."""
        running = RunningSystem.find(settings.home)
        broker_url = settings.broker_url or (running.broker_url if running else "")
        shared = broker_url if broker_url.startswith(("redis://", "rediss://")) else ""
        return cls(
            ledger_url=settings.ledger_url or sqlite_url(embedded_ledger(settings.home)),
            broker_url=broker_url,
            redis_url=settings.redis_url or shared,
            api_url=settings.api_url or (running.api_url if running else ""),
            rate_per_minute=_rate(settings, running),
        )


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """What `issuance up` announces to other processes on this machine, in a file below HOME."""

    pid: int
    broker_url: str
    api_url: str
    flower_url: str
    rate_per_minute: int
    health_url: str = ""
    web_url: str = ""

    @classmethod
    def find(cls, home: Path) -> Self | None:
        """Find the system that runs on this HOME now; None when none runs.

        The file of a system that was killed does not count: only the lock shows that one runs.

        Raises:
            HomeError: HOME belongs to another user, who could name any server.
        """
        if not HomeLock.is_held(home):
            return None
        require_own(home)
        try:
            found = cls(**json.loads(_file(home).read_text(encoding="utf-8")))
            logins = json.loads(_secret_file(home).read_text(encoding="utf-8"))
            return replace(
                found,
                broker_url=with_login(found.broker_url, logins["broker"]),
                api_url=with_login(found.api_url, logins["api"]),
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def announce(self, home: Path) -> None:
        """Write the files atomically; the caller holds the lock of HOME.

        An operator may show `running.json` to others, so users and passwords are in a file of their
        own.
        """
        broker_url, broker_login = split_login(self.broker_url)
        api_url, api_login = split_login(self.api_url)
        replace_text(_secret_file(home), json.dumps({"broker": broker_login, "api": api_login}))
        shown = replace(self, broker_url=broker_url, api_url=api_url)
        replace_text(_file(home), json.dumps(asdict(shown)))

    @staticmethod
    def retract(home: Path) -> None:
        """Remove the files."""
        for file in (_file(home), _secret_file(home)):
            file.unlink(missing_ok=True)


def sqlite_url(file: Path) -> str:
    """Return the URL of a SQLite file; characters such as `?` and blanks are escaped."""
    return f"sqlite:///{quote(str(file))}"


def _rate(settings: Settings, running: RunningSystem | None) -> int:
    if running is None or "api_rate_per_minute" in settings.model_fields_set:
        return settings.api_rate_per_minute
    return running.rate_per_minute


def _file(home: Path) -> Path:
    return home / "running.json"


def _secret_file(home: Path) -> Path:
    return home / "running.secret"


Site = Servers
"""The old name, for producers that import it; it goes with the next release."""
