"""Label values: bounded in length and number, and without what a query or page cannot show."""

import re
from collections.abc import Iterable

from issuance.display import mask, printable
from issuance.replies.codes import CODES

LONGEST = 64
CLOSED = "(closed)"
OTHER = "(other)"

_IDENTIFIER = re.compile(r"@|\d{10}")
_KNOWN_CODES = frozenset(row.code for row in CODES)
_KNOWN_STATUSES = frozenset(
    {200, 301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429}
    | {500, 502, 503, 504, 520, 521, 522, 523, 524}
)


def campaign_labels(campaigns: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Return a label for each campaign's id; no two are the same, and none is a fold's.

    A name is cut after 64 characters, and one that looks like an identifier is masked. The id
    follows where the name alone would not be unique.
    """
    labels: dict[int, str] = {}
    taken = {CLOSED, OTHER}
    for number, name in campaigns:
        shown = mask(name) if _IDENTIFIER.search(name) else printable(" ".join(name.split()))
        label = shown[:LONGEST]
        if label != name or label.startswith("("):
            label = f"{label} #{number}"
        while label in taken:
            label = f"{label} #{number}"
        taken.add(label)
        labels[number] = label
    return labels


def code_label(code: int | None, http_status: int | None) -> str:
    """Return the label of an answer: a documented code, an HTTP status, or a word.

    An API can answer any number, and each would be a series of its own.
    """
    if code is not None:
        return str(code) if code in _KNOWN_CODES else "undocumented"
    if http_status is None:
        return "none"
    return f"http_{http_status}" if http_status in _KNOWN_STATUSES else "http_other"
