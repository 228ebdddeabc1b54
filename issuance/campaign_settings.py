"""The settings with which a campaign is issued: read, checked, compared and described. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from issuance.details.points import as_points, thousandths
from issuance.errors import ExplainedError
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.start_time import parse_start
from issuance.windows import parse_timezone, parse_window

NONE: Final = "none"
"""Takes a setting away."""
_MOST: Final[Mapping[str, int]] = {
    "rate": 1_000_000,
    "canary": 100_000,
    "budget-units": 10**12,
}
_STOP_LOSS = ("default", "off")


class SettingError(ExplainedError):
    """A setting is wrong. The message names the option, the value and the remedy."""


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """A campaign's settings; None: there is no such bound."""

    start_at: int | None = None
    """Not before this time, in ms."""
    window: str | None = None
    """When calls may start, in the spelling of `issuance.windows`."""
    timezone: str | None = None
    """The IANA zone of the window, and of start times without an offset."""
    rate_per_minute: int | None = None
    """Most calls a minute; None: the account's alone."""
    canary: int | None = None
    """Lines that are tried first."""
    stop_loss: str = "off"
    budget_units: int | None = None
    budget_points: int | None = None
    """In thousandths."""
    weight: int = 1

    def described(self) -> dict[str, str]:
        """Return each setting by its option's name, for people; "none" where there is none."""
        values = {
            "start-at": None if self.start_at is None else _time(self.start_at),
            "window": self.window,
            "timezone": self.timezone,
            "rate": None if self.rate_per_minute is None else f"{self.rate_per_minute}/min",
            "canary": self.canary,
            "stop-loss": self.stop_loss,
            "budget-units": self.budget_units,
            "budget-points": None if self.budget_points is None else as_points(self.budget_points),
            "weight": self.weight,
        }
        return {name: NONE if value is None else str(value) for name, value in values.items()}

    def changes(self, after: "CampaignSettings") -> tuple[str, str]:
        """Describe the settings that differ, before and after: `rate 60/min, weight 1`."""
        old, new = self.described(), after.described()
        changed = [name for name in old if old[name] != new[name]]
        before, now = (", ".join(f"{name} {of[name]}" for name in changed) for of in (old, new))
        return before, now

    def as_json(self) -> dict[str, Any]:
        """Return all settings as JSON values."""
        return asdict(self)


NAMES: Final = tuple(field.name for field in fields(CampaignSettings))


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """Settings as a person gives them; None: unchanged, `none` or 0: taken away."""

    start_at: str | None = None
    window: str | None = None
    timezone: str | None = None
    rate: int | None = None
    canary: int | None = None
    stop_loss: str | None = None
    budget_units: int | None = None
    budget_points: str | None = None
    weight: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is given."""
        return all(getattr(self, field.name) is None for field in fields(self))

    @property
    def has_budget(self) -> bool:
        """Whether a budget is given."""
        return self.budget_units is not None or self.budget_points is not None

    def applied_to(self, settings: CampaignSettings, zone: str) -> CampaignSettings:
        """Return the settings with these changes.

        Args:
            settings: the campaign's.
            zone: the IANA zone for a window or a start time if neither names one.

        Raises:
            ExplainedError: a value is wrong.
        """
        named = self.timezone or settings.timezone or zone
        found = parse_timezone(named)
        changed: dict[str, Any] = {}
        if self.timezone is not None:
            changed["timezone"] = found.key
        if self.window is not None:
            is_none = self.window == NONE
            changed["window"] = None if is_none else parse_window(self.window, found.key).text
        if self.start_at is not None:
            is_none = self.start_at == NONE
            changed["start_at"] = None if is_none else _ms(parse_start(self.start_at, found))
        if changed.get("window") or changed.get("start_at"):
            changed["timezone"] = found.key
        for option, name, value in (
            ("rate", "rate_per_minute", self.rate),
            ("canary", "canary", self.canary),
            ("budget-units", "budget_units", self.budget_units),
        ):
            if value is not None:
                changed[name] = _bounded(option, value)
        if self.stop_loss is not None:
            changed["stop_loss"] = _choice(self.stop_loss)
        if self.budget_points is not None:
            changed["budget_points"] = _points(self.budget_points)
        if self.weight is not None:
            changed["weight"] = _weight(self.weight)
        return replace(settings, **changed)


def loosened(before: CampaignSettings, after: CampaignSettings) -> list[str]:
    """Return the options that hold less back than before: what was approved no longer binds."""
    found = []
    if before.stop_loss != "off" and after.stop_loss == "off":
        found.append("stop-loss")
    for option in ("budget_units", "budget_points"):
        old, new = getattr(before, option), getattr(after, option)
        if old is not None and (new is None or new > old):
            found.append(option.replace("_", "-"))
    return found


def _bounded(option: str, value: int) -> int | None:
    if not 0 <= value <= _MOST[option]:
        raise SettingError(
            f"{option} {value}: give a whole number from 1 to {_MOST[option]:,}, or 0 for none"
        )
    return value or None


def _points(text: str) -> int | None:
    if text == NONE:
        return None
    found = thousandths(text)
    if found is None:
        raise SettingError(
            f"budget-points {text!r}: give points from 1 to 1,000,000,000, or 0 for none"
        )
    return found or None


def _choice(text: str) -> str:
    if text not in _STOP_LOSS:
        raise SettingError(f"stop-loss {text!r}: give {' or '.join(_STOP_LOSS)}")
    return text


def _weight(value: int) -> int:
    if not WEIGHT_MIN <= value <= WEIGHT_MAX:
        raise SettingError(f"weight {value}: give a whole number from {WEIGHT_MIN} to {WEIGHT_MAX}")
    return value


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%SZ}"
