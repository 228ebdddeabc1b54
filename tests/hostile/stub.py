"""The stub in a process of its own, controlled by a test."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Self

import httpx

_ROOT = Path(__file__).parents[2]
_ASK_SECONDS = 10.0
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StubEntry:
    """The stub's record of one requestId."""

    request_id: str
    customer: str
    reward_id: str
    requested: int
    issued: int
    vouchers: frozenset[str]
    calls: tuple[float, ...]
    """The time of each call, in seconds since 1970."""
    bodies: int
    """The number of different bodies that were sent with the requestId."""


class Stub:
    """A running stub: `with Stub() as stub: ... stub.url ... stub.behave(replay="delta")`."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str]
        self._client: httpx.Client

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the stub did not start"
        self._client = httpx.Client(base_url=self.url, timeout=_ASK_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._client.close()
        self._process.terminate()
        self._process.communicate(timeout=_END_SECONDS)

    def behave(self, **changes: object) -> None:
        """Change switches by name (see `Behaviour`); a fault is given as a `Fault`."""
        self._client.post("/_behaviour", json=_as_json(changes)).raise_for_status()

    def reset(self) -> None:
        """Reset all switches and the record."""
        self._client.post("/_reset").raise_for_status()

    def books(self) -> dict[str, StubEntry]:
        """Return the stub's record, by requestId."""
        entries = map(_entry, self._ask_books()["entries"])
        return {entry.request_id: entry for entry in entries}

    def calls(self) -> int:
        """Return the number of issue calls."""
        return sum(len(entry.calls) for entry in self.books().values())

    def reads(self) -> int:
        """Return the number of reads."""
        return len(self._ask_books()["reads"])

    def _ask_books(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get("/_books").raise_for_status().json()
        return found


def _entry(found: Mapping[str, Any]) -> StubEntry:
    return StubEntry(
        request_id=found["requestId"],
        customer=found["customer"],
        reward_id=found["rewardId"],
        requested=found["requested"],
        issued=found["issued"],
        vouchers=frozenset(found["vouchers"]),
        calls=tuple(found["calls"]),
        bodies=found["bodies"],
    )


def _as_json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_as_json(item) for item in value]
    return value
