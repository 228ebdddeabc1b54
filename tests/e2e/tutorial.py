"""The tutorial's console blocks: its commands, and the outputs that it shows."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from console.terminal import EXIT_REFUSED

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 60.0
_COLUMNS = "80"
_PLACEHOLDERS = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"^( +)[0-9a-f]{8}(?=  transactions)", r"\1ID"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME"),
    (r"\b\d\d:\d\d:\d\dZ", "TIME"),
    (r"(?<=, took )[\d a-z]+$", "AGE"),
    (r"sim-[0-9a-f]+-\d+, worker: [\w.-]+", "CALL"),
    (r"\*{8}[\w-]{4,5}", "VOUCHER"),
    (r"(?:running|finished)(?=, \d+ lines accepted)", "STATE"),
    (r"(?<=process )\d+", "PID"),
    (r"^in use +ISSUANCE_.*\n", ""),  # the test's own settings
    (r"[\d.]+ attempts a second over the last \d+ s", "SPEED"),
    (r" +\d+(?:\.\d+)? (?:s|min)\b", " AGE"),
)
"""Pattern → what replaces it: values that differ from run to run."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and the output that the page shows."""

    command: str
    output: str


def blocks(text: str) -> list[list[Step]]:
    """The steps of each console block."""
    return [list(_steps(block)) for block in _BLOCK.findall(text)]


def _steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Step(command, output)


def normalise(output: str) -> str:
    """Replace what differs from run to run, and lengths of blanks and rules that follow from it."""
    for pattern, placeholder in _PLACEHOLDERS:
        output = re.sub(pattern, placeholder, output, flags=re.MULTILINE)
    return re.sub(r"[ \n]+", " ", output).strip()


class Shell:
    """The reader's second terminal: one shell, whose variables and folder stay.

    Args:
        folder: where the commands run; `samples` is linked into it.
        environment: of the commands.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        (folder / "samples").symlink_to(ROOT / "samples")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**environment, "PATH": path, "COLUMNS": _COLUMNS}
        self._before: list[str] = []

    def run(self, command: str) -> str:
        """Run a command to its end; returns both of its streams."""
        done = subprocess.run(
            ["bash", "-c", "\n".join([*self._before, command])],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode in (0, EXIT_REFUSED), f"{command}: {done.stdout}"
        if re.match(r"\w+=", command):
            self._before.append(command)
        return done.stdout


def run_settled(shell: Shell, step: Step, seconds: float = 10.0) -> str:
    """Repeat a command that only reads until its output equals the page's, or time is over."""
    until = time.monotonic() + seconds
    output = shell.run(step.command)
    while normalise(output) != normalise(step.output) and time.monotonic() < until:
        output = shell.run(step.command)
    return output


def is_reading(command: str) -> bool:
    """Return whether a command only reads, so that it may be repeated."""
    return (
        re.match(r"issuance (status|outcomes|dead-letters (list|show)|health)\b", command)
        is not None
    )
