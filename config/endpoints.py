"""The addresses of the servers: from the settings, or else from a running `issuance up`."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from config.home import embedded_ledger
from config.home_lock import HomeLock
from config.settings import Settings


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

    @classmethod
    def find(cls, home: Path) -> Self | None:
        """Find the system that runs on this HOME now; None when none runs.

        The file of a system that was killed does not count: only the lock shows that one runs.
        """
        if not HomeLock.is_held(home):
            return None
        try:
            return cls(**json.loads(_file(home).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def announce(self, home: Path) -> None:
        """Write the file atomically; the caller holds the lock of HOME."""
        draft = _file(home).with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(_file(home))

    @staticmethod
    def retract(home: Path) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError):
            _file(home).unlink()


def sqlite_url(file: Path) -> str:
    """Return the URL of a SQLite file; characters such as `?` and blanks are escaped."""
    return f"sqlite:///{quote(str(file))}"


def _rate(settings: Settings, running: RunningSystem | None) -> int:
    if running is None or "api_rate_per_minute" in settings.model_fields_set:
        return settings.api_rate_per_minute
    return running.rate_per_minute


def _file(home: Path) -> Path:
    return home / "running.json"


Site = Servers
"""The old name, for producers that import it; it goes with the next release."""
