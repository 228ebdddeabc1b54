"""Phrases that a native engineer would not write, each with what to write instead."""

import re
from typing import NamedTuple


class Pattern(NamedTuple):
    """A phrase to avoid."""

    phrase: re.Pattern[str]
    remedy: str


def _avoid(phrase: str, remedy: str) -> Pattern:
    return Pattern(re.compile(phrase, re.IGNORECASE), remedy)


PATTERNS = (
    _avoid(r"\bwhoever\b|(?:^|[.:;] )who\b(?![^.]*\?)", "name the actor: the caller, the worker"),
    _avoid(r"\b(?:tells?|told|telling)\b", "report, show, log, say"),
    _avoid(
        r"\bso (?:many|much|long|far|often)\b(?! that\b| as\b)",
        "this many, for this long, until now",
    ),
    _avoid(r"\ball the same\b", "anyway, still"),
    _avoid(r"\bseldom\b", "rarely, or a number"),
    _avoid(r"\banew\b", "again"),
    _avoid(r"\bat the (?:most|least)\b(?! recent)", "at most, at least"),
    _avoid(r"\bfor ever\b", "permanently, without a limit"),
    _avoid(r"\b(?:besides|likewise)\b", "also, apart from"),
    _avoid(r"\b(?:stands|stood|standing)\b(?! for\b)", "is, remains, applies"),
    _avoid(r"\b(?:in|on) hand\b", "held, claimed, available"),
    _avoid(r"\b(?:go|goes|going|went|gone) on\b", "continue, proceed"),
    _avoid(r"\b(?:came|comes?|becomes?|became|become) of\b", "result, outcome"),
    _avoid(r"\b(?:comes?|came|coming) back\b", "return, be released again, recover"),
    _avoid(r"\b(?:nobody|somebody)\b", "no worker, no caller, an operator"),
    _avoid(r"\b(?:a|another|one) look\b", "a read, a check"),
    _avoid(r"\bbeside\b", "next to, with, compared with"),
    _avoid(r"\bhas (?:it|them|the \w+|\w+s) (?:look|try|ask|begin|start|wait)\b", "makes, lets"),
    _avoid(
        r"\b(?:thereof|therein|whence|lest|albeit|mourn\w*|bury|burial|buried)\b", "the common word"
    ),
    _avoid(r"\bnor (?:it|they|he)\b", "two sentences"),
)
ALLOWED = (
    " who: ",  # a parameter in a docstring, after the sentence of another one
)
"""Text that a pattern finds and that may stay."""
