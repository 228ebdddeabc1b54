"""Switches for what the rewards API leaves undocumented or contradicts."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, TypeAdapter

from simulator.timezones import TimeZone

ENVIRONMENT_PREFIX = "SIMULATOR_"
Anomaly = Literal[
    "off", "issued_as_partial", "partial_as_issued", "quantity_overstated", "transaction_shared"
]


@dataclass(frozen=True, slots=True)
class Switches:
    """How the simulator behaves where the documents leave it open (rewards-api §4.1, §5, §7, §8).

    `latency_seconds` is the mean response time, varied by ±20 %. `hold_seconds` is the delay of
    `timeout_after_commit`. `conv_ratio_cap` is the largest quantity of a CONV_RATIO reward without
    a value; 0 means none. `toplevel_anomaly` adds a documented contradiction to bulk replies.
    `untidiness` is the share of a reply's fields that is written in another valid way, chosen at
    random from `untidiness_seed`. `timezone` is where the days of limits begin at midnight, unless
    the account's catalogue names its own.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    http_mode: Literal["always_200", "openapi_400"] = "always_200"
    completed_replay: Literal["original", "duplicate_400", "original_without_vouchers"] = "original"
    failed_replay: Literal["duplicate_400", "stored_failure", "reprocess"] = "duplicate_400"
    replay_quantity: Literal["cumulative", "delta"] = "cumulative"
    toplevel_anomaly: Anomaly = "off"
    read_lag_seconds: NonNegativeFloat = 0.0
    latency_seconds: NonNegativeFloat = 0.0
    hold_seconds: NonNegativeFloat = 60.0
    token_ttl_seconds: PositiveFloat = 300.0
    max_rewards: PositiveInt = 10
    conv_ratio_cap: int = 0
    reversed_voucher: Literal["hidden", "shown"] = "hidden"
    revoke_enable: bool = False
    revoked_read: Literal["unchanged", "cancelled", "gone"] = "unchanged"
    transaction_number: Literal["required", "optional"] = "required"
    detail_format: Literal["current", "older"] = "current"
    timezone: TimeZone = "UTC"
    untidiness: Annotated[float, Field(ge=0, le=1)] = 0.0
    untidiness_seed: int = 0

    def changed(self, **changes: Any) -> "Switches":
        """A copy with changes; raises ValidationError for a wrong name or value."""
        return TypeAdapter(Switches).validate_python({**asdict(self), **changes})


def switches_from_environment(environment: Mapping[str, str] = os.environ) -> Switches:
    """The defaults, changed by `SIMULATOR_HTTP_MODE`, `SIMULATOR_READ_LAG_SECONDS` and so on."""
    names = {field.name: f"{ENVIRONMENT_PREFIX}{field.name.upper()}" for field in fields(Switches)}
    return Switches().changed(
        **{name: environment[key] for name, key in names.items() if key in environment}
    )


def choices_of(name: str) -> str:
    """The values of a switch, for `--help`."""
    hint = get_type_hints(Switches)[name]
    return " | ".join(map(str, getattr(hint, "__args__", ()))) or hint.__name__
