"""The pages that are written from the code."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.reference import fields, log_events, metrics, settings

ROOT = Path(__file__).parents[2]
PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/fields.md": fields.render,
    "docs/reference/metrics.md": metrics.render,
    "docs/reference/settings.md": settings.render,
    "docs/reference/log-events.md": lambda: log_events.render(ROOT),
}
"""Path below the repository → what renders it."""
