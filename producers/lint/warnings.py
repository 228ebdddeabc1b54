"""The warnings and readings of a whole file: counted by kind, with the first lines of each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from producers.lint.finding import Finding

_LINES_KEPT = 3


@dataclass(slots=True)
class WarningKind:
    """One kind of warning, and the rows that have it."""

    first: Finding
    """The finding of the first such row."""
    lines: list[int] = field(default_factory=list)
    """The line numbers of the first such rows."""
    rows: int = 0
    """Count of such rows."""


@dataclass(slots=True)
class ReadingKind:
    """One way in which values in another spelling were read."""

    lines: list[int] = field(default_factory=list)
    """The line numbers of the first such rows."""
    rows: int = 0


@dataclass(slots=True)
class Readings:
    """Good rows with a value in another spelling, counted so that an operator can judge them."""

    kinds: dict[str, ReadingKind] = field(default_factory=dict)
    """By kind, in order of first appearance; the rules of the columns make few."""
    rows: int = 0

    def add(self, line: int, kinds: Iterable[str]) -> None:
        """Count a row's values."""
        for name in dict.fromkeys(kinds):
            kind = self.kinds.setdefault(name, ReadingKind())
            kind.rows += 1
            if len(kind.lines) < _LINES_KEPT:
                kind.lines.append(line)
        self.rows += 1


@dataclass(slots=True)
class Warnings:
    """Warnings about rows that were accepted anyway."""

    kinds: dict[str, WarningKind] = field(default_factory=dict)
    """By kind, in order of first appearance; at most one for each rule of the lint."""
    rows: int = 0
    """Rows with at least one warning."""

    def add(self, line: int, findings: Iterable[Finding]) -> None:
        """Count a row's findings."""
        for finding in findings:
            kind = self.kinds.setdefault(finding.kind, WarningKind(finding))
            kind.rows += 1
            if len(kind.lines) < _LINES_KEPT:
                kind.lines.append(line)
        self.rows += 1
