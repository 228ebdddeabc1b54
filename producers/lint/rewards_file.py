"""The rewards file: the prices and payment configs of the rewards, as the API has them."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from producers.fields.rules import LARGEST_ID
from producers.source import UnusableFile

_Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
_Points = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
_PRICED_MODES = ("POINTS", "POINTS_CASH")
_SHOWN_PROBLEMS = 3
_LARGEST_BYTES = 10_000_000


class _Strict(BaseModel):
    # A misspelled key must not leave a reward without a price.
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class PaymentTerms(_Strict):
    """One of the ways to pay for a reward (rewards-api §3.2)."""

    id: _Id
    mode: Literal["FREE", "POINTS", "CASH", "POINTS_CASH", "CONV_RATIO"]
    ratio: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] | None = None
    """The redemption value that one point buys; required for CONV_RATIO."""
    points: _Points | None = None
    """Points for one unit; required for POINTS and POINTS_CASH."""

    @model_validator(mode="after")
    def _has_its_price(self) -> Self:
        if self.mode == "CONV_RATIO" and self.ratio is None:
            raise ValueError("a CONV_RATIO payment config needs its ratio")
        if self.mode in _PRICED_MODES and self.points is None:
            raise ValueError(f"a {self.mode} payment config needs its points")
        return self


class RewardTerms(_Strict):
    """One reward and its ways to pay."""

    reward_id: _Id
    reward_external_id: str | None = None
    """For rows that name the reward by it."""
    name: str = ""
    """For the file's readers."""
    vendor: str | bool | None = None
    """For the file's readers: the provider of the reward, if it is not the brand."""
    points: _Points = Decimal(0)
    """Points for one unit if it has no payment config."""
    payment_configs: tuple[PaymentTerms, ...] = ()

    def choose(self, config_id: int | None) -> PaymentTerms | None:
        """Return the payment config of this id; without an id, the only one, or None."""
        if config_id is None:
            return self.payment_configs[0] if len(self.payment_configs) == 1 else None
        return next((config for config in self.payment_configs if config.id == config_id), None)


_FILE = TypeAdapter(list[RewardTerms])


def read_rewards_file(path: Path) -> Mapping[int | str, RewardTerms]:
    """Read a JSON file with an array of rewards; return them by id, and by external id.

    Raises:
        UnusableFile: it cannot be read, is not such an array, or names a reward twice.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UnusableFile(
            f"the rewards file {path} cannot be opened: {reason}", "check --rewards"
        ) from None
    if len(content) > _LARGEST_BYTES:
        raise UnusableFile(
            f"the rewards file {path} is larger than 10 MB", "leave only the rewards of this blast"
        )
    try:
        rewards = _FILE.validate_json(content)
    except ValidationError as error:
        raise UnusableFile(f"the rewards file {path} is wrong: {_explain(error)}", _WRITE) from None
    names: list[tuple[int | str, RewardTerms]] = [
        (name, reward)
        for reward in rewards
        for name in (reward.reward_id, reward.reward_external_id)
        if name
    ]
    [(name, times)] = Counter(name for name, _ in names).most_common(1) or [(0, 1)]
    if times > 1:
        raise UnusableFile(
            f"the rewards file {path} names reward {name} {times} times", "keep one of them"
        )
    return dict(names)


_WRITE = (
    'write [{"rewardId": 1001, "points": 10, "paymentConfigs": '
    '[{"id": 5, "mode": "CONV_RATIO", "ratio": 0.35}]}], see docs/reference/commands.md'
)


def _explain(error: ValidationError) -> str:
    problems = error.errors()
    told = [
        f"{'.'.join(map(str, problem['loc'])) or 'the file'}: "
        f"{problem['msg'].removeprefix('Value error, ')}"
        for problem in problems[:_SHOWN_PROBLEMS]
    ]
    rest = len(problems) - len(told)
    return "; ".join(told) + (f"; and {rest} more" if rest else "")
