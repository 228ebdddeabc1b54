"""Acts for people, a line each."""

from operations.formats import clock, one_line
from operations.history import Act


def act_line(act: Act) -> str:
    """`2026-11-28 18:32:47Z  root@vm  paused summer: wrong reward id`."""
    entry = act.newest
    person = f"{entry.subject}@{entry.host}" if entry.host else entry.subject
    claimed = f" (as {one_line(entry.claimed)})" if entry.claimed else ""
    way = "" if entry.way in ("console", "system") else f" by {entry.way}"
    reason = f": {one_line(entry.reason)}" if entry.reason else ""
    return f"{clock(entry.at)}  {person}{claimed}{way}  {one_line(act.sentence)}{reason}"
