"""Campaign names: one campaign, however its name is typed."""

import re
import unicodedata

LONGEST_NAME = 255

_BLANKS = re.compile(r"[^\S\n\r\x1c-\x1e\x85\u2028\u2029]+")


def normalise_name(name: str) -> str:
    """Normalise a campaign's name: composed characters, and single blanks only between words.

    requestIds are derived from the name, so two spellings that look alike must not start two
    campaigns. Case is kept: `Spring` and `spring` look different. Line breaks stay, and make the
    name invalid.
    """
    if name.isascii() and "  " not in name and name == name.strip(" ") and name.isprintable():
        return name
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", name)).strip(" ")


def is_valid_name(name: str) -> bool:
    """Whether a campaign can have this normalised name."""
    return bool(name) and len(name) <= LONGEST_NAME and name.isprintable()
