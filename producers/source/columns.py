"""Our columns, and which of them a name in somebody else's file means."""

import difflib
import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from issuance.display import shorten
from producers.source import rules
from producers.source.refusal import UnusableFile

CUSTOM_FIELDS = "customFields"
IGNORE = "-"


class Group(IntEnum):
    """Where a column's value goes when a row is put together."""

    IDENTIFIER = 0
    ATTRIBUTE = 1
    CUSTOM_FIELD = 2


class Column(NamedTuple):
    """One column: its name in our spelling, where its value goes and under which key, and its rule."""

    name: str
    group: Group
    key: str
    parse: Callable[[str], object]


def _ignore(_text: str) -> None:
    return None


_id = rules.positive_integer(rules.LARGEST_ID)
IGNORED = Column(IGNORE, Group.ATTRIBUTE, "", _ignore)
COLUMNS = (
    Column("mobile", Group.IDENTIFIER, "mobile", rules.mobile),
    Column("email", Group.IDENTIFIER, "email", rules.email),
    Column("externalId", Group.IDENTIFIER, "externalId", rules.external_id),
    Column("rewardId", Group.ATTRIBUTE, "reward_id", _id),
    Column("quantity", Group.ATTRIBUTE, "quantity", rules.positive_integer(rules.LARGEST_QUANTITY)),
    Column("paymentConfigId", Group.ATTRIBUTE, "payment_config_id", _id),
    Column("redemptionValue", Group.ATTRIBUTE, "redemption_value", rules.amount),
    Column("points", Group.ATTRIBUTE, "points", rules.amount),
    Column("orgId", Group.ATTRIBUTE, "org_id", _id),
    Column("eventLogId", Group.ATTRIBUTE, "event_log_id", rules.text),
    Column("notes", Group.ATTRIBUTE, "notes", rules.text),
)


def plain(name: str) -> str:
    """Reduce a name to what is compared: lower case, without blanks, underscores and hyphens."""
    return re.sub(r"[\s_-]+", "", name).casefold()


_BY_PLAIN_NAME = {plain(column.name): column for column in COLUMNS}


class Columns:
    """Finds the column that a header's name or a JSON key means.

    A name is looked up in the mapping first, then among our columns: exactly, or else without
    regard to case, blanks, underscores and hyphens, so that `External ID` is externalId and
    `reward_id` is rewardId. `customFields.NAME` is the custom field NAME, whose own spelling is
    kept.

    Raises:
        UnusableFile: The mapping points to a column that does not exist.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        targets = {theirs.strip(): _target(ours.strip()) for theirs, ours in mapping.items()}
        self._mapped = {plain(theirs): column for theirs, column in targets.items()} | targets
        # A file of JSON objects asks for the same few names millions of times; the bound keeps
        # memory flat.
        self.find = lru_cache(maxsize=1024)(self._find)

    def _find(self, name: str) -> Column | None:
        stripped = name.strip()
        reduced = plain(stripped)
        return self._mapped.get(stripped) or self._mapped.get(reduced) or _own(stripped)


def _own(name: str) -> Column | None:
    prefix, dot, custom = name.partition(".")
    if dot and custom.strip() and plain(prefix) == plain(CUSTOM_FIELDS):
        return custom_field(custom.strip())
    return _BY_PLAIN_NAME.get(plain(name))


def _target(ours: str) -> Column:
    column = IGNORED if ours == IGNORE else _own(ours)
    if column is None:
        raise UnusableFile(
            f"the mapping points to '{shorten(ours)}', which is no column", suggest(ours)
        )
    return column


def custom_field(name: str) -> Column:
    """Name the column of one custom field."""
    return Column(f"{CUSTOM_FIELDS}.{name}", Group.CUSTOM_FIELD, name, rules.text)


def suggest(name: str) -> str:
    """Say what to do about a name that is no column, beginning with the column closest to it."""
    close = difflib.get_close_matches(plain(name[:100]), _BY_PLAIN_NAME, n=1)
    known = ", ".join(column.name for column in COLUMNS)
    guess = (
        f"did you mean {_BY_PLAIN_NAME[close[0]].name}? If not, "
        if close
        else f"our columns are {known}; "
    )
    return (
        f"{guess}use --map THEIRS=OURS, --map THEIRS={IGNORE} to ignore it, "
        f"or name it {CUSTOM_FIELDS}.NAME to send it along"
    )
