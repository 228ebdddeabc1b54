"""The address of every page; a route with another parameter must be given values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from starlette.routing import Mount, Route

from tests.browser.world import (
    DRAFT,
    LETTER,
    LONG_NAME,
    MIXED,
    NAMES,
    REDRIVES,
    REQUEST_ID,
    WAITING,
)
from web.app import routes

Values = Mapping[str, Sequence[str | int]]
"""The values of the parameter at the end of a path's beginning."""

_NOT_PAGES = {"/livez", "/live", "/login/oidc", "/login/oidc/callback"}


def pages(values: Values) -> list[str]:
    """Return the addresses of all pages, one for each value of a route's parameter."""
    found: list[str] = []
    for each in routes():
        assert isinstance(each, Route | Mount)
        if isinstance(each, Route) and "GET" in (each.methods or ()):
            found += [] if each.path in _NOT_PAGES else _filled(each.path, values)
    return found


def _filled(path: str, values: Values) -> Iterator[str]:
    for beginning, chosen in values.items():
        if path.startswith(beginning):
            start, rest = path.partition("{")[0], path.partition("}")[2]
            yield from (f"{start}{quote(str(value), safe='')}{rest}" for value in chosen)
            return
    assert "{" not in path, f"{path}: which value?"
    yield path


PAGES: Final = pages(
    {
        "/campaigns/{name}/plan": (DRAFT, WAITING),
        "/campaigns/{name}/": (MIXED, LONG_NAME),
        "/campaigns/{name}": NAMES,
        "/uploads/{id}": (),  # made by the flow of an upload
        "/redrives/{id}": REDRIVES,
        "/rewards/{id}": (REQUEST_ID,),
        "/account/{name}": ("default",),
        "/dead-letters/{id}": (LETTER,),
        "/login/link/{token}": ("a-token",),
    }
)
"""Those of the full ledger."""
