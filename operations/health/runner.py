"""Runs the health checks: each component once, in bounded time, with remedies."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from operations.errors import UsageError

CHECK_SECONDS = 5.0
"""Timeout of one check. Components wait for what they need: all checks take up to 3 times this."""


class Component(StrEnum):
    """A part of the system that can be checked."""

    LEDGER = "ledger"
    """It answers, and its schema fits this version."""
    BROKER = "broker"
    """It can be reached."""
    LIMITS = "limits"
    """The account's limits in Redis can be read."""
    ACCOUNT = "account"
    """The API accepts the account's calls: they are not suspended for long."""
    API = "api"
    """The API answers."""
    CAMPAIGNS = "campaigns"
    """No campaign is stuck."""
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


NEEDS: Mapping[Component, frozenset[Component]] = {
    Component.RELEASE: frozenset({Component.LEDGER, Component.BROKER}),
    Component.BEAT: frozenset({Component.LEDGER, Component.BROKER, Component.RELEASE}),
    Component.WORKER: frozenset({Component.BROKER}),
    Component.BACKGROUND_WORKER: frozenset({Component.BROKER}),
    Component.DEAD_LETTERS: frozenset({Component.BROKER}),
    Component.ACCOUNT: frozenset({Component.LIMITS}),
    Component.API: frozenset({Component.LIMITS}),
    Component.CAMPAIGNS: frozenset({Component.LEDGER, Component.LIMITS}),
    Component.PROGRESS: frozenset({Component.LEDGER, Component.BROKER, Component.LIMITS}),
}
"""What each part depends on: if that fails, the part is unknown and only the cause is shown."""


def read_components(text: str) -> list[Component]:
    """Parse comma-separated names of parts; none means all.

    Raises:
        UsageError: a name is unknown.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Component)]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no such part; give some of {', '.join(Component)}")
    return [Component(name) for name in names] or list(Component)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; its texts hold no personal data."""

    cause: str = ""
    """Why the part is unhealthy; "" when it is healthy."""
    remedy: str = ""
    notes: tuple[str, ...] = ()
    """Facts worth knowing that are not problems."""


HEALTHY = Finding()


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the health checks."""

    findings: Mapping[Component, Finding]
    unknown: Mapping[Component, Component] = field(default_factory=dict)
    """Parts that could not be checked, each with the failed part that it depends on."""

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


Check = Callable[[], Finding]


def run_checks(
    checks: Mapping[Component, Check], wanted: Iterable[Component], *, check_seconds: float
) -> Report:
    """Check these components and those that they need, each once.

    Args:
        checks: the check of each component.
        wanted: the components to check.
        check_seconds: a part that takes longer has a problem; its check keeps running in a
            daemon thread.
    """
    chosen = set(wanted)
    for part in tuple(chosen):
        chosen |= _needs(part)
    findings: dict[Component, Finding] = {}
    unknown: dict[Component, Component] = {}
    left = [part for part in Component if part in chosen]
    while left:
        # Parts whose needs are all checked run concurrently, so that a server that does not answer
        # costs only one wait.
        ready = [part for part in left if not _needs(part).intersection(left)]
        left = [part for part in left if part not in ready]
        begun: dict[Component, _RunningCheck] = {}
        for part in ready:
            unhealthy = next(
                (
                    need
                    for need in Component
                    if need in _needs(part) and _is_unhealthy(need, findings)
                ),
                None,
            )
            if unhealthy is None:
                begun[part] = _RunningCheck(checks[part])
            else:
                unknown[part] = unhealthy
        until = time.monotonic() + check_seconds
        findings |= {part: running.finding(until, check_seconds) for part, running in begun.items()}
    return Report({part: findings[part] for part in Component if part in findings}, unknown)


def _needs(part: Component) -> frozenset[Component]:
    return NEEDS.get(part, frozenset())


def _is_unhealthy(part: Component, findings: Mapping[Component, Finding]) -> bool:
    return part in findings and bool(findings[part].cause)


class _RunningCheck:
    """A check that runs in a thread of its own."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._finding: Finding | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._finding = self._check()
        except Exception as error:  # noqa: BLE001  # any failure is a finding, and ends no other check
            self._finding = Finding(f"its check failed: {type(error).__name__}", "see the log")

    def finding(self, until: float, seconds: float) -> Finding:
        self._thread.join(max(0.0, until - time.monotonic()))
        return self._finding or Finding(
            f"it did not answer within {seconds:g} s",
            "check that its machine can be reached and is not overloaded",
        )
