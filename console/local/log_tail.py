"""The end of a process's log, in one line for a person."""

import json
from pathlib import Path

from issuance.display import printable

_TAIL_BYTES = 65_536
"""Longer than an entry with its traceback."""
_SHOWN_CHARACTERS = 300
_ERRORS = ("error", "critical")


def last_log_line(path: Path) -> str:
    """Return the last error in a log, or else its last line, and the log's path."""
    try:
        text = f"{_last(_tail(path))[:_SHOWN_CHARACTERS]}"
    except OSError as error:
        text = f"its log cannot be read: {error.strerror}"
    return f"{printable(text)} (see {path})"


def _tail(path: Path) -> list[str]:
    """The last lines, without a cut one and without blank ones."""
    with path.open("rb") as file:
        start = max(0, path.stat().st_size - _TAIL_BYTES)
        file.seek(start)
        lines = file.read().decode(errors="replace").splitlines()
    return [line.strip() for line in (lines[1:] if start else lines) if line.strip()]


def _last(lines: list[str]) -> str:
    """The text of the last line, or of the error that the last structured entries follow.

    After its error a process may log how it ends. A line that is no entry (the last line of a
    traceback, a message of the console) is the last word of a process that could not log.
    """
    for line in reversed(lines):
        entry = _entry(line)
        if entry is None:
            if line.endswith("shutdown (MainProcess)"):  # Celery prints this when it ends
                continue
            return line
        if entry.get("level") in _ERRORS:
            return _text(entry)
    entry = _entry(lines[-1]) if lines else {}
    return "its log is empty" if not lines else lines[-1] if entry is None else _text(entry)


def _entry(line: str) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _text(entry: dict[str, object]) -> str:
    """The event, its error, and the last line of its traceback."""
    parts = [str(entry.get("event", "")), str(entry.get("error", ""))]
    trace = str(entry.get("exception", "")).strip().splitlines()
    if trace and trace[-1].split(":")[0] not in parts[0]:
        parts.append(trace[-1].strip())
    return ": ".join(" ".join(part.split()) for part in parts if part)
