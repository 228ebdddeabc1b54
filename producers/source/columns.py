"""Our columns, and the lookup of a caller's name among them."""

import difflib
import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from issuance.display import shorten
from producers.fields.field import Described
from producers.fields.line import CALL, IDENTIFIERS, REWARD
from producers.source.unusable import UnusableFile

IGNORE = "-"


class Slot(IntEnum):
    """The part of a row that takes a column's value."""

    IDENTIFIER = 0
    REWARD = 1
    CALL = 2
    MAP = 3


class Column(NamedTuple):
    """One column: its name, the part of a row and the key that take its value, and its rule."""

    name: str
    slot: Slot
    key: str | tuple[str, str]
    """The field; for a value in a map, the map's field and the value's name."""
    parse: Callable[[str], object]


def _ignore(_text: str) -> None:
    return None


IGNORED = Column(IGNORE, Slot.REWARD, "", _ignore)
MAPS = tuple(each for each in REWARD if each.is_map)
"""Fields that hold values under names that the file chooses: `customFields.NAME`."""
COLUMNS = (
    # An identifier's kind is spelled as in the API.
    *(Column(f.name, Slot.IDENTIFIER, f.name, f.rule) for _, f, *_ in IDENTIFIERS),
    *(Column(e.field.name, Slot.REWARD, e.key, e.field.rule) for e in REWARD if not e.is_map),
    *(Column(e.field.name, Slot.CALL, e.key, e.field.rule) for e in CALL),
)


def plain(name: str) -> str:
    """Normalise a name for comparison: lower case, without blanks, underscores and hyphens."""
    return re.sub(r"[\s_-]+", "", name).casefold()


_BY_PLAIN_NAME = {plain(column.name): column for column in COLUMNS}
_MAPS_BY_PLAIN_NAME = {plain(each.field.name): each for each in MAPS}


class Columns:
    """Finds the column that a header's name or a JSON key means.

    A name is looked up in the mapping first, then among our columns. Case, blanks, underscores and
    hyphens do not matter: `External ID` is externalId and `reward_id` is rewardId.
    `customFields.NAME` is the custom field NAME, spelled exactly as given.

    Raises:
        UnusableFile: The mapping points to a column that does not exist.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        targets = {theirs.strip(): _target(ours.strip()) for theirs, ours in mapping.items()}
        self._mapped = {plain(theirs): column for theirs, column in targets.items()} | targets
        # A JSONL file repeats the same few names millions of times; the bound limits memory.
        self.find = lru_cache(maxsize=1024)(self._find)

    def _find(self, name: str) -> Column | None:
        stripped = name.strip()
        reduced = plain(stripped)
        return self._mapped.get(stripped) or self._mapped.get(reduced) or _own(stripped)


def _own(name: str) -> Column | None:
    prefix, dot, own = name.partition(".")
    if dot and own.strip() and (found := find_map(prefix)):
        return map_column(found, own.strip())
    return _BY_PLAIN_NAME.get(plain(name))


def _target(ours: str) -> Column:
    column = IGNORED if ours == IGNORE else _own(ours)
    if column is None:
        raise UnusableFile(
            f"the mapping points to '{shorten(ours)}', which is no column", suggest(ours)
        )
    return column


def find_map(name: str) -> Described | None:
    """Find the field of this name that holds values under names that the file chooses."""
    return _MAPS_BY_PLAIN_NAME.get(plain(name))


def map_column(described: Described, name: str) -> Column:
    """Make the column of one value of a map."""
    key = (described.key, name)
    return Column(f"{described.field.name}.{name}", Slot.MAP, key, described.field.rule)


def suggest(name: str) -> str:
    """Say what to do about a name that is no column; suggest the closest column first."""
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
