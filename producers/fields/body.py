"""Writes the fields of a line into an endpoint's body, as their descriptions say."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from issuance.endpoint import Variant
from producers.fields.field import Described
from producers.fields.line import CALL, NO_CALL_FIELDS, REWARD, CallFields, Reward
from producers.fields.refusal import Refusal

Write = Callable[[object], dict[str, Any]]
_NOTHING: Mapping[str, Any] = {}


class BodyWriter(NamedTuple):
    """Writes one endpoint's parts of a body.

    Each of its functions raises Refusal for a field that the endpoint has no place for.
    """

    write_reward: Write
    write_shared: Write
    write_org: Write
    write_org_details: Write

    def reward(self, reward: Reward) -> Mapping[str, Any]:
        """Write a reward's part of the body, except its ids and quantity."""
        return self.write_reward(reward)

    def shared(self, call: CallFields) -> Mapping[str, Any]:
        """Write the fields that the body has once for all its rewards."""
        return _NOTHING if call is NO_CALL_FIELDS else self.write_shared(call)

    def org(self, call: CallFields) -> Mapping[str, Any]:
        """Write the fields that the body has once for each organisation."""
        return _NOTHING if call is NO_CALL_FIELDS else self.write_org(call)

    def org_details(self, details: object) -> Mapping[str, Any]:
        """Write the fields of one organisation's entry, with its id."""
        return self.write_org_details(details)


@lru_cache
def body_writer(variant: Variant, *, snake: bool = False) -> BodyWriter:
    """Make the writer of an endpoint's bodies.

    Args:
        variant: the endpoint.
        snake: whether keys that the pages spell in two ways are spelled with underscores.
    """
    [details] = [each for each in CALL if each.key == "org_details"]
    return BodyWriter(
        _writer(REWARD, variant, snake=snake),
        _writer((each for each in CALL if not each.field.per_org), variant, snake=snake),
        _writer((each for each in CALL if each.field.per_org), variant, snake=snake),
        _writer(details.parts, variant, snake=snake),
    )


class _Target(NamedTuple):
    """Where a value goes, and how its items are written if it is a list."""

    described: Described
    outer: str
    inner: str
    write_item: Write | None
    is_refused: bool

    @property
    def is_simple(self) -> bool:
        """Whether the value is sent as it is."""
        described = self.described
        return not (described.is_map or described.is_list or self.is_refused)


def _writer(described: Iterable[Described], variant: Variant, *, snake: bool) -> Write:
    """Make the function that writes these fields of an object as a part of the body."""
    # Maps come last, so that the order of keys does not depend on a file's columns.
    targets = [
        _target(each, variant, snake=snake)
        for each in sorted(described, key=lambda each: each.is_map)
        if each.field.path or variant not in each.field.places
    ]
    keys = [target.described.key for target in targets]
    # With one name, attrgetter returns the bare value instead of a tuple.
    read: Callable[[object], tuple[Any, ...]] = (
        attrgetter(*keys) if len(keys) > 1 else lambda given: (getattr(given, keys[0]),)
    )
    nothing = tuple(
        {} if target.described.is_map else target.described.default for target in targets
    )
    placed = [(target, target.outer, target.inner, target.is_simple) for target in targets]

    def write(given: object) -> dict[str, Any]:
        body: dict[str, Any] = {}
        values = read(given)
        if values == nothing:
            return body
        for value, unset, (target, outer, inner, is_simple) in zip(
            values, nothing, placed, strict=True
        ):
            if value is unset or value == unset:
                continue
            if not is_simple:
                _put(body, target, value, variant)
            elif not outer:
                body[inner] = value
            elif outer in body:
                body[outer][inner] = value
            else:
                body[outer] = {inner: value}
        return body

    return write


def _target(described: Described, variant: Variant, *, snake: bool) -> _Target:
    field = described.field
    outer, _, inner = ((snake and field.snake_path) or field.path).rpartition(".")
    is_refused = variant not in field.places
    write_item = (
        _writer(described.parts, variant, snake=snake)
        if described.is_list and not is_refused
        else None
    )
    return _Target(described, outer, inner, write_item, is_refused)


def _put(body: dict[str, Any], target: _Target, value: Any, variant: Variant) -> None:
    if target.is_refused:
        raise no_place(target.described, variant)
    if target.write_item is not None:
        value = [target.write_item(item) for item in value]
    else:
        value = dict(value)
    part = body.setdefault(target.outer, {}) if target.outer else body
    part[target.inner] = value


def no_place(described: Described, variant: Variant) -> Refusal:
    """Return the refusal of a field that the endpoint's request has no place for."""
    name = described.field.name
    return Refusal(
        f"the {variant} endpoint has no place for {name}",
        f"leave it out, or issue with ISSUANCE_API_VARIANT={described.field.takers()}",
        name,
    )
