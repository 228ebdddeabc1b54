"""The description of one field of a line, and its reader from a class."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

Rule = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Field:
    """A field's description, shared by all ways to give it; it annotates the field's type.

    Attributes:
        name: the column of a CSV file and the key of a JSONL object, as the API spells it.
        rule: parses a non-empty text; returns None for blanks that mean nothing, or raises Refusal.
        help: a short sentence for operators.
        path: the value's place in the body, as keys with dots between them; "" if `freeze_body`
            places it.
        per_org: whether a body with organisations has it once for each of them.
    """

    name: str
    rule: Rule
    help: str
    path: str = ""
    per_org: bool = False


class Described(NamedTuple):
    """A field of a class with its description."""

    key: str
    """The attribute's name, and the keyword of the Python call."""
    field: Field
    type: Any
    """The value's type; without None if the field is optional."""
    default: Any
    """The value when the field is not given."""
    is_required: bool
    """Whether it has no default."""
    is_optional: bool
    """Whether it may be None."""

    @property
    def is_map(self) -> bool:
        """Whether it holds values under names that the caller chooses: `customFields.NAME`."""
        return get_origin(self.type) is Mapping


def describe(owner: type) -> tuple[Described, ...]:
    """Read the descriptions of a dataclass's fields, in order."""
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
