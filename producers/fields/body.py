"""Writes the fields of a line into the body, as their descriptions say."""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

from producers.fields.field import Described
from producers.fields.line import CALL, NO_CALL_FIELDS, REWARD, CallFields, Reward


def _writer(described: Iterable[Described]) -> Callable[[object], dict[str, Any]]:
    """Make the function that writes these fields of an object as a part of the body."""
    # Maps come last, so that the order of keys does not depend on a file's columns.
    placed = sorted((each for each in described if each.field.path), key=lambda each: each.is_map)
    targets = [(*_split(each.field.path), each.is_map) for each in placed]
    keys = [each.key for each in placed]
    # With one name, attrgetter returns the bare value instead of a tuple.
    read: Callable[[object], tuple[Any, ...]] = (
        attrgetter(*keys) if len(keys) > 1 else lambda given: (getattr(given, keys[0]),)
    )

    nothing = tuple({} if each.is_map else each.default for each in placed)

    def write(given: object) -> dict[str, Any]:
        body: dict[str, Any] = {}
        values = read(given)
        if values == nothing:
            return body
        for value, (outer, inner, is_map) in zip(values, targets, strict=True):
            if value is None:
                continue
            if not outer:
                if value or not is_map:
                    body[inner] = dict(value) if is_map else value
            elif outer in body:
                body[outer][inner] = value
            else:
                body[outer] = {inner: value}
        return body

    return write


def _split(path: str) -> tuple[str, str]:
    outer, _, inner = path.rpartition(".")
    return outer, inner


_write_reward = _writer(REWARD)
_write_call = _writer(each for each in CALL if not each.field.per_org)
_write_org = _writer(each for each in CALL if each.field.per_org)
_NOTHING: Mapping[str, Any] = {}


def reward_body(reward: Reward) -> Mapping[str, Any]:
    """Write a reward's part of the body, except its ids and quantity."""
    return _write_reward(reward)


def call_body(call: CallFields) -> Mapping[str, Any]:
    """Write the fields that the body has once for all its rewards."""
    return _NOTHING if call is NO_CALL_FIELDS else _write_call(call)


def org_body(call: CallFields) -> Mapping[str, Any]:
    """Write the fields that the body has once for each organisation."""
    return _NOTHING if call is NO_CALL_FIELDS else _write_org(call)
