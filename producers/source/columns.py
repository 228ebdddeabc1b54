"""Our columns, and the lookup of a caller's name among them."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from issuance.display import shorten
from producers.fields.country import mobile_rule
from producers.fields.field import Described
from producers.fields.line import CALL, IDENTIFIERS, REWARD
from producers.source.synonyms import AMBIGUOUS, BY_SYNONYM
from producers.source.unusable import UnusableFile

IGNORE = "-"
OUTCOME = "outcome"
"""What an export says of a row's first issue: `outcome.NAME` is not read."""
REWARDS = "rewards"
"""The API's list of rewards; `rewards.0.NAME` is NAME."""


class Slot(IntEnum):
    """The part of a row that takes a column's value."""

    IDENTIFIER = 0
    REWARD = 1
    CALL = 2
    MAP = 3
    """A value in one of the reward's maps."""
    NESTED = 4
    """A value in one of the call's maps, or in an item of a list."""


class Column(NamedTuple):
    """One column: its name, the part of a row and the key that take its value, and its rule."""

    name: str
    slot: Slot
    key: str | tuple[str | int, ...]
    """The field. For a nested value: the field; the item's place and field, if it is a list; and
    the value's name, if it is in a map."""
    parse: Callable[[str], object]


def _ignore(_text: str) -> None:
    return None


IGNORED = Column(IGNORE, Slot.REWARD, "", _ignore)
_NESTED = tuple(each for each in (*REWARD, *CALL) if each.is_map or each.is_list)
MAPS = tuple(each for each in _NESTED if each.is_map)
"""Fields that hold values under names that the file chooses: `customFields.NAME`."""
LISTS = tuple(each for each in _NESTED if each.is_list)
"""Fields that hold items: `tender.tenders.0.amount`."""
_SIMPLE = tuple(
    (each, column)
    for slot, described in enumerate((IDENTIFIERS, REWARD, CALL))
    for each in described
    if each not in _NESTED
    # An identifier's kind is spelled as in the API.
    for column in [
        Column(
            each.field.name,
            Slot(slot),
            each.field.name if described is IDENTIFIERS else each.key,
            each.field.rule,
        )
    ]
)
COLUMNS = tuple(column for _, column in _SIMPLE)
_OURS = {
    "requestid": "the product makes the requestId of each reward",
    "brand": "the brand is the account's (ISSUANCE_API_BRAND)",
}
"""Fields of the API that no row can give."""


def plain(name: str) -> str:
    """Normalise a name for comparison: lower case, without blanks, underscores and hyphens."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def _names(described: Described) -> Iterator[str]:
    return map(plain, (described.field.name, *described.field.also))


_BY_PLAIN_NAME = {name: column for each, column in _SIMPLE for name in _names(each)}
_MAPS_BY_PLAIN_NAME = {name: each for each in MAPS for name in _names(each)}
_LISTS_BY_PLAIN_NAME = {name: each for each in LISTS for name in _names(each)}
_CONTAINERS = {
    ".".join(parts[:end])
    for parts in (name.split(".") for name in (*_BY_PLAIN_NAME, *_LISTS_BY_PLAIN_NAME))
    for end in range(1, len(parts))
} | {REWARDS, *_LISTS_BY_PLAIN_NAME}
"""The objects and lists of the API's nesting, by plain name without the places of items."""
_PLACE = re.compile(r"\.([0-9]{1,2})(?=\.|$)")


class Columns:
    """Finds the column that a header's name or a JSON key means.

    A name is looked up in the mapping first, then among our columns, then among the names that
    people use for them. Case, blanks, underscores and hyphens do not matter: `External ID` is
    externalId and `reward_id` is rewardId. The API's nesting is written with dots:
    `paymentConfig.id`, `tender.tenders.0.amount`. `customFields.NAME` is the custom field NAME,
    spelled exactly as given.

    Attributes:
        understood: Names that were found only as other words for ours, with our names.

    Raises:
        UnusableFile: The mapping points to a column that does not exist.
        ValueError: The country is none.
    """

    def __init__(self, mapping: Mapping[str, str], country: str | None = None) -> None:
        self._mobile = None if country is None else mobile_rule(country)
        targets = {theirs.strip(): _target(ours.strip()) for theirs, ours in mapping.items()}
        self.understood: dict[str, str] = {}
        self._mapped = {plain(theirs): column for theirs, column in targets.items()} | targets
        # A JSONL file repeats the same few names millions of times; the bound limits memory.
        self.find = lru_cache(maxsize=1024)(self._find)

    def _find(self, name: str) -> Column | None:
        stripped = name.strip()
        reduced = plain(stripped)
        mapped = self._mapped.get(stripped) or self._mapped.get(reduced)
        if mapped is None and reduced.partition(".")[0] == OUTCOME:
            return IGNORED
        known = mapped or _own(stripped)
        found = known or self._find_synonym(stripped, reduced)
        if self._mobile is None or found is None or found.key != "mobile":
            return found
        return found._replace(parse=self._mobile)

    def _find_synonym(self, name: str, reduced: str) -> Column | None:
        ours = BY_SYNONYM.get(reduced.rstrip(".:*#"))
        if ours is None:
            return None
        if ours not in self.understood.values():
            self.understood[name] = ours
        return _BY_PLAIN_NAME[plain(ours)]


def _own(name: str) -> Column | None:
    if name.lower().startswith(f"{REWARDS}.0."):
        return own_reward_column(name[len(REWARDS) + 3 :])
    return _BY_PLAIN_NAME.get(plain(name)) or _map_value(name) or _list_value(name)


def own_reward_column(name: str) -> Column | None:
    """Find the column of a key of one of the API's rewards, whose params are its own."""
    first, dot, rest = name.partition(".")
    column = _own(f"rewardParams{dot}{rest}" if plain(first) == "params" else name)
    return column if column is not None and column.slot in (Slot.REWARD, Slot.MAP) else None


def _map_value(name: str) -> Column | None:
    prefix, dot, own = name.partition(".")
    found = _MAPS_BY_PLAIN_NAME.get(plain(prefix))
    if found is None or not dot or not own.strip():
        return None
    own = own.strip()
    slot = Slot.MAP if found in REWARD else Slot.NESTED
    return Column(f"{found.field.name}.{own}", slot, (found.key, own), found.field.rule)


def _list_value(name: str) -> Column | None:
    """Find a field of an item: `tender.tenders.0.amount`; without a place it is the first."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        found = _LISTS_BY_PLAIN_NAME.get(plain(".".join(parts[:end])))
        if found is None:
            continue
        rest = parts[end:]
        place = int(rest.pop(0)) if _PLACE.fullmatch(f".{rest[0]}") else 0
        for part in found.parts:
            if not rest or plain(rest[0]) not in _names(part):
                continue
            value = ".".join(rest[1:]).strip()
            if part.is_map == bool(value):
                key: tuple[str | int, ...] = (found.key, place, part.key)
                key = (*key, value) if value else key
                where = ".".join([found.field.name, str(place), part.field.name, *rest[1:]])
                return Column(where, Slot.NESTED, key, part.field.rule)
    return None


def _target(ours: str) -> Column:
    column = IGNORED if ours == IGNORE else _own(ours)
    if column is None:
        raise UnusableFile(
            f"the mapping points to '{shorten(ours)}', which is no column", suggest(ours)
        )
    return column


def is_map(name: str) -> bool:
    """Whether the name is of an object with names that the file chooses, such as customFields."""
    column = _own(f"{name}.x")
    return column is not None and column.slot >= Slot.MAP and column.key[-1] == "x"


def is_container(name: str) -> bool:
    """Whether the name is of an object or list of the API's nesting, such as paymentConfig."""
    return plain(_PLACE.sub("", name)) in _CONTAINERS


def suggest(name: str) -> str:
    """Say what to do about a name that is no column; suggest the closest column first."""
    if (reason := _OURS.get(plain(name))) is not None:
        return f"{reason}: remove it, or ignore it with --map {shorten(name)}={IGNORE}"
    if plain(name) in AMBIGUOUS:
        meant = " or ".join(f"--map '{name}={ours}'" for ours in AMBIGUOUS[plain(name)])
        return f"it could mean several things: say which, {meant} ({IGNORE} ignores it)"
    close = difflib.get_close_matches(plain(name[:100]), _BY_PLAIN_NAME, n=1)
    known = ", ".join(column.name for column in COLUMNS)
    guess = (
        f"did you mean {_BY_PLAIN_NAME[close[0]].name}? If not, "
        if close
        else f"our columns are {known}; "
    )
    return (
        f"{guess}use --map THEIRS=OURS, --map THEIRS={IGNORE} to ignore it, "
        f"or name it {MAPS[0].field.name}.NAME to send it along"
    )
