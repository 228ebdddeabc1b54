"""The description of one field of a line, and its reader from a class."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from issuance.endpoint import ENDPOINTS, Endpoint, Variant

Rule = Callable[[str], object]


class Place(StrEnum):
    """Where a request carries a field."""

    TOP = "top level"
    REWARD = "rewards[]"
    ORG = "orgLevelDetails[]"
    PATH = "path"
    HEADER = "header"
    UNSENT = "not sent"


Places = Mapping[Variant, Place]


def _places(of: Callable[[Endpoint], Place | None]) -> Places:
    return {
        variant: place
        for variant, endpoint in ENDPOINTS.items()
        if (place := of(endpoint)) is not None
    }


OF_CALL = _places(lambda _: Place.TOP)
OF_ORG = _places(lambda endpoint: Place.ORG if endpoint.needs_org else Place.TOP)
OF_REWARD = _places(lambda endpoint: Place.TOP if endpoint.flat else Place.REWARD)
OF_LISTED_REWARD = _places(lambda endpoint: None if endpoint.flat else Place.REWARD)
REWARD_ID = _places(lambda endpoint: Place.PATH if endpoint.reward_in_path else Place.REWARD)
UNITS = _places(lambda endpoint: Place.UNSENT if endpoint.flat else Place.REWARD)
CASH = _places(lambda endpoint: Place.TOP if endpoint.takes_tender else None)
REWARDS_ORG = _places(lambda endpoint: Place.REWARD if endpoint.needs_org else None)
ORGS = _places(lambda endpoint: Place.ORG if endpoint.needs_org else None)
SCOPE = _places(lambda endpoint: Place.HEADER if endpoint.scoped else None)
DOCUMENTED: frozenset[Variant] = frozenset()
NO_OWNER = frozenset(
    variant for variant, endpoint in ENDPOINTS.items() if not endpoint.documents_owner
)
"""The endpoints whose pages do not say whether they read an owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field's description, shared by all ways to give it; it annotates the field's type.

    Attributes:
        name: the column of a CSV file and the key of a JSONL object, as the API spells it.
        rule: parses a non-empty text; returns None for blanks that mean nothing, or raises Refusal.
        help: a short sentence for operators.
        limits: the accepted values in a few words, for the reference.
        source: the section of rewards-api that documents it.
        path: the value's keys at its place in the body, with dots between them; "" if `freeze_body`
            places it.
        places: where each endpoint's request carries it; an endpoint that is missing refuses it.
        undocumented: endpoints for which the place is assumed: the field is sent with a warning.
        also: other names of the column, such as the dotted names of the API's nesting.
        snake_path: `path` in the pages' other spelling; "" if they agree.
    """

    name: str
    rule: Rule
    help: str
    limits: str
    source: str
    path: str = ""
    places: Places
    undocumented: frozenset[Variant] = DOCUMENTED
    also: tuple[str, ...] = ()
    snake_path: str = ""

    @property
    def per_org(self) -> bool:
        """Whether a body with organisations has it once for each of them."""
        return self.places is OF_ORG

    def takers(self) -> str:
        """Name the endpoints that take it: `bulk or connected`."""
        return " or ".join(self.places)


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
    parts: "tuple[Described, ...]" = ()
    """The fields of each item, if it is a list."""

    @property
    def is_map(self) -> bool:
        """Whether it holds values under names that the caller chooses: `customFields.NAME`."""
        return get_origin(self.type) is Mapping

    @property
    def is_list(self) -> bool:
        """Whether it holds items with fields of their own: `tender.tenders.0.amount`."""
        return get_origin(self.type) is tuple

    @property
    def item(self) -> Any:
        """The class of each item, if it is a list."""
        return get_args(self.type)[0]


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
    is_list = get_origin(annotated) is tuple
    alternatives = [each for each in get_args(annotated) if each is not type(None)]
    is_optional = not is_list and type(None) in get_args(annotated)
    is_required = default is MISSING and factory is MISSING
    return Described(
        key,
        field,
        alternatives[0] if is_optional else annotated,
        None if default is MISSING else default,
        is_required,
        is_optional,
        describe(alternatives[0]) if is_list else (),
    )
