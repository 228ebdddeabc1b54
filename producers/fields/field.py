"""How one field of a line is described, and how descriptions are read from a class."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

Rule = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Field:
    """What is the same for a field however it is given; it annotates the field's type.

    Attributes:
        name: the column of a CSV file and the key of a JSONL object, as the API spells it.
        rule: reads a non-empty text; returns None for blanks that mean nothing, or raises Refusal.
        help: a short sentence for operators.
        path: where the value goes in the body: keys with dots between them; "" where `freeze_body`
            places it.
        per_org: the body has it for each organisation, where it details organisations.
    """

    name: str
    rule: Rule
    help: str
    path: str = ""
    per_org: bool = False


class Described(NamedTuple):
    """A field of a class with its description."""

    key: str
    """The attribute, also the Python call's keyword."""
    field: Field
    type: Any
    """The value's type; of an optional field without None."""
    default: Any
    """None: not given."""
    is_required: bool
    """It has no default."""
    is_optional: bool
    """It may be None."""

    @property
    def is_map(self) -> bool:
        """Whether it holds values under names of the caller's: `customFields.NAME`."""
        return get_origin(self.type) is Mapping


def describe(owner: type) -> tuple[Described, ...]:
    """Read the descriptions of a dataclass, in its order."""
    hints = get_type_hints(owner, include_extras=True)
    return tuple(
        _described(each.name, hints[each.name], each.default, each.default_factory)
        for each in fields(owner)
    )


def _described(key: str, hint: Any, default: Any, factory: Any) -> Described:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{key} has no description")
    annotated, field = get_args(hint)
    alternatives = [each for each in get_args(annotated) if each is not type(None)]
    is_optional = type(None) in get_args(annotated)
    is_required = default is MISSING and factory is MISSING
    return Described(
        key,
        field,
        alternatives[0] if is_optional else annotated,
        None if default is MISSING else default,
        is_required,
        is_optional,
    )
