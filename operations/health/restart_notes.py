"""Notes about processes that were restarted in the last hour and work again."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from operations.health.runner import Check, Component, Finding
from operations.restarts import newest_restarts, restart_text
from operations.services import Services

RESTARTED = (
    Component.BROKER,
    Component.RELEASE,
    Component.BEAT,
    Component.WORKER,
    Component.BACKGROUND_WORKER,
    Component.DEAD_LETTERS,
)
"""The components that are processes of their own name."""
_BACK_SECONDS = 3_600


def note_restarts(context: Services, part: Component, check: Check) -> Callable[[], Finding]:
    """Return the check of a component, with a note of its newest restart of the last hour."""

    def checked() -> Finding:
        finding = check()
        since = time.time() - _BACK_SECONDS
        found = [
            each
            for each in newest_restarts(context) or []
            if each.process == part and each.at >= since
        ]
        if not found:
            return finding
        newest = found[0]
        note = restart_text(newest, datetime.fromtimestamp(newest.at, UTC), datetime.now(UTC))
        if len(found) > 1:
            note += f" ({len(found)} restarts in the last hour)"
        return replace(finding, notes=(*finding.notes, note))

    return checked
