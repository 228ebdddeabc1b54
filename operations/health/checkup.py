"""A checkup: examines each part of the system once, in bounded time, and gives remedies."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from operations.errors import UsageError

PART_SECONDS = 5.0
"""Longest wait for one part. Parts wait for parts they need: a checkup takes up to 3 times this."""


class Part(StrEnum):
    """A part of the system that can be examined."""

    LEDGER = "ledger"
    """It answers, and its schema fits this version."""
    BROKER = "broker"
    """It can be reached."""
    LIMITS = "limits"
    """The account's limits in Redis can be read."""
    RELEASE = "release"
    """The release makes its rounds."""
    BEAT = "beat"
    """Beat's ticks arrive."""
    WORKER = "worker"
    """A blast worker answers."""
    BACKGROUND_WORKER = "background-worker"
    """A background worker answers."""
    DEAD_LETTERS = "dead-letters"
    """A dead-letter worker answers."""
    PROGRESS = "progress"
    """Due work is being attempted."""


NEEDS: Mapping[Part, frozenset[Part]] = {
    Part.RELEASE: frozenset({Part.LEDGER, Part.BROKER}),
    Part.BEAT: frozenset({Part.LEDGER, Part.BROKER, Part.RELEASE}),
    Part.WORKER: frozenset({Part.BROKER}),
    Part.BACKGROUND_WORKER: frozenset({Part.BROKER}),
    Part.DEAD_LETTERS: frozenset({Part.BROKER}),
    Part.PROGRESS: frozenset({Part.LEDGER, Part.BROKER, Part.LIMITS}),
}
"""What each part depends on: if that fails, the part is unknown and only the cause is shown."""


def read_parts(text: str) -> list[Part]:
    """Parse comma-separated names of parts; none means all.

    Raises:
        UsageError: a name is unknown.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Part)]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no such part; give some of {', '.join(Part)}")
    return [Part(name) for name in names] or list(Part)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one examination; its texts hold no personal data."""

    cause: str = ""
    """Why the part is unhealthy; "" when it is healthy."""
    remedy: str = ""
    notes: tuple[str, ...] = ()
    """Facts worth knowing that are not problems."""


WELL = Finding()


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a checkup."""

    findings: Mapping[Part, Finding]
    unknown: Mapping[Part, Part] = field(default_factory=dict)
    """Parts that could not be examined, each with the failed part that it depends on."""

    @property
    def healthy(self) -> bool:
        """Whether no part has a problem; an unknown part always comes with one that has."""
        return not any(finding.cause for finding in self.findings.values())

    def lines(self) -> list[str]:
        """Return a line for each problem with its remedy, then the unknown parts and the notes."""
        found = self.findings.items()
        problems = [
            f"{part}: {finding.cause}; {finding.remedy}" for part, finding in found if finding.cause
        ]
        unknown = [f"{part}: unknown because of {cause}" for part, cause in self.unknown.items()]
        return [
            *problems,
            *unknown,
            *(f"note: {note}" for finding in self.findings.values() for note in finding.notes),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return one object for programs."""
        state = {
            part: "problem" if finding.cause else "ok" for part, finding in self.findings.items()
        }
        return {
            "healthy": self.healthy,
            "parts": state | dict.fromkeys(self.unknown, "unknown"),
            "problems": [
                {"part": part, "cause": finding.cause, "remedy": finding.remedy}
                for part, finding in self.findings.items()
                if finding.cause
            ],
            "notes": [note for finding in self.findings.values() for note in finding.notes],
        }


Examination = Callable[[], Finding]


def examine(
    examinations: Mapping[Part, Examination], wanted: Iterable[Part], *, part_seconds: float
) -> Report:
    """Examine these parts and the parts that they need, each once.

    Args:
        examinations: the examination of each part.
        wanted: the parts to examine.
        part_seconds: a part that takes longer has a problem; its examination is left running in a
            daemon thread.
    """
    chosen = set(wanted)
    for part in tuple(chosen):
        chosen |= _needs(part)
    findings: dict[Part, Finding] = {}
    unknown: dict[Part, Part] = {}
    left = [part for part in Part if part in chosen]
    while left:
        # Parts whose needs are all examined run concurrently, so that a server that does not answer
        # costs only one wait.
        ready = [part for part in left if not _needs(part).intersection(left)]
        left = [part for part in left if part not in ready]
        begun: dict[Part, _Examining] = {}
        for part in ready:
            ill = next(
                (need for need in Part if need in _needs(part) and _is_ill(need, findings)), None
            )
            if ill is None:
                begun[part] = _Examining(examinations[part])
            else:
                unknown[part] = ill
        until = time.monotonic() + part_seconds
        findings |= {
            part: examining.finding(until, part_seconds) for part, examining in begun.items()
        }
    return Report({part: findings[part] for part in Part if part in findings}, unknown)


def _needs(part: Part) -> frozenset[Part]:
    return NEEDS.get(part, frozenset())


def _is_ill(part: Part, findings: Mapping[Part, Finding]) -> bool:
    return part in findings and bool(findings[part].cause)


class _Examining:
    """One examination under way."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._finding: Finding | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._finding = self._examination()
        except Exception as error:  # noqa: BLE001  # any failure is a finding, and ends no other examination
            self._finding = Finding(
                f"its examination failed: {type(error).__name__}", "see the log"
            )

    def finding(self, until: float, seconds: float) -> Finding:
        self._thread.join(max(0.0, until - time.monotonic()))
        return self._finding or Finding(
            f"it did not answer within {seconds:g} s",
            "check that its machine can be reached and is not overloaded",
        )
