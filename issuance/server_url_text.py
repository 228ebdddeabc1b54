"""Whether a server's URL can be read: a password that was written as it is may end it too early."""

import re

URL_PARTS = re.compile(
    r"(?P<scheme>[a-z0-9+]+)://(?:(?P<login>[^@/?]*)@)?(?P<host>[^@/?]*)(?P<rest>.*)", re.DOTALL
)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
UNREADABLE = (
    "cannot be read as a URL: write the characters @ / ? # : % of a password as %40 %2F %3F %23 "
    "%3A %25, or give it in ISSUANCE_{name}_PASSWORD"
)


def is_readable(url: str) -> bool:
    """Return whether each part of a URL is where it belongs."""
    found = URL_PARTS.fullmatch(url)
    if found is None:
        return False
    login, rest = found["login"] or "", found["rest"]
    return "@" not in rest and "#" not in url and not _ESCAPE.search(login)
