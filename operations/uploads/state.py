"""What is known of an upload: its columns, what is to be done with it, and what was done."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from pydantic import TypeAdapter

from issuance.campaign_settings import GivenSettings


class Stage(StrEnum):
    """How far an upload is."""

    READING = "reading"
    UNUSABLE = "unusable"
    """It is no table, and was removed; `problem` says why."""
    READY = "ready"
    """Its columns are known. The person says what they mean."""
    CHECKING = "checking"
    CHECKED = "checked"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    """The file was removed; the refused rows are kept."""


BUSY = (Stage.READING, Stage.CHECKING, Stage.ACCEPTING)
"""The stages in which a process works. One that has ended too early is continued by another."""


@dataclass(frozen=True, slots=True)
class SeenColumn:
    """One column of the file."""

    name: str
    guess: str
    """Our column that it is read as, `-` if it is ignored, "" if its name is not known."""
    samples: tuple[str, ...]
    """Its first values, masked."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The beginning of the file."""

    columns: tuple[SeenColumn, ...] = ()
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants done with a file: the options of `issuance blast --draft`."""

    campaign: str = ""
    account: str = ""
    """"": the campaign's, or else `default`."""
    country: str = ""
    """"": the account's."""
    reward_id: int | None = None
    quantity: int | None = None
    sheet: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Our columns by the file's names, where the guess is not meant."""
    strict: bool = False
    allow_repeats: bool = False
    group_by_customer: bool = False
    defer_limits: bool = False
    settings: GivenSettings = field(default_factory=GivenSettings)

    def command(self, file: str, *, rewards: bool) -> str:
        """Return the command that does the same."""
        words = ["issuance", "blast", file or "FILE", "--campaign", self.campaign or "NAME"]
        words += ["--draft", *self._options(), *(["--rewards", "FILE"] if rewards else [])]
        return shlex.join(words)

    def _options(self) -> Iterator[str]:
        for name in ("account", "country", "sheet", "reward_id", "quantity"):
            if value := getattr(self, name):
                yield from (_option(name), str(value))
        for theirs, ours in self.mapping.items():
            yield from ("--map", f"{theirs}={ours}")
        for name in ("strict", "allow_repeats", "group_by_customer", "defer_limits"):
            if getattr(self, name):
                yield _option(name)
        for each in fields(self.settings):
            value = getattr(self.settings, each.name)
            if value is not None:
                yield from (_option(each.name), str(value))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be issued; its texts hold no identifier."""

    line: int
    field: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that have the same warning, or were read from the same other spelling."""

    name: str
    rows: int
    lines: tuple[int, ...]
    """The first of them."""
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a check, or of an acceptance, in rows."""

    rows: int
    good: int
    """Rows that were accepted; after a check, rows that would be."""
    known: int
    refused: int
    first_refused: tuple[RefusedRow, ...]
    unit: str
    """What a row's number counts: `line`, or `row` of a sheet."""
    listed: int
    """Refused rows in the file of refused rows."""
    jobs: int = 0
    warned: int = 0
    warnings: tuple[Kind, ...] = ()
    readings: tuple[Kind, ...] = ()
    points: int | None = None
    """Expected points of the good rows; None: there are no prices."""


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of an upload."""

    stage: Stage = Stage.READING
    seen: Seen = field(default_factory=Seen)
    order: Order = field(default_factory=Order)
    checked: Outcome | None = None
    accepted: Outcome | None = None
    campaign: str = ""
    """The campaign that took the rows, in its own spelling."""
    problem: str = ""
    """Why the last step was refused."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a process is with the file."""

    rows: int = 0
    refused: int = 0
    share: float = 0.0
    """Of the file's bytes, 0 to 1."""


STATE = TypeAdapter(State)
PROGRESS = TypeAdapter(Progress)
