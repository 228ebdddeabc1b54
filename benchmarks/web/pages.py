"""How long each page takes, and which pages there are."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median

import httpx
from starlette.routing import Route

from benchmarks.web.ledger import PAUSED, WAITING
from benchmarks.web.system import System
from web.app import routes
from web.viewer import SESSION_COOKIE

_ROUND_SECONDS = 1.05
"""Longer than pages share a value: each request reads what it shows."""
_LIVE = 'sse-connect="/live"'
_NOT_PAGES = ("/live", "/livez", "/login/link/{token}")
_FINISHED = "season-1"
JOB = 1_001
"""The number of the job whose reward is shown and searched for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request."""

    name: str
    path: str
    form: dict[str, str] | None = None
    """Of a POST; None: a GET."""


@dataclass(slots=True)
class Measured:
    """The answers to one request, made again and again."""

    wanted: Wanted
    took_ms: list[float] = field(default_factory=list)
    size: int = 0

    @property
    def middle(self) -> float:
        """The median, in milliseconds."""
        return median(self.took_ms)

    @property
    def p95(self) -> float:
        """The 95th percentile."""
        return sorted(self.took_ms)[ceil(len(self.took_ms) * 0.95) - 1]


def browser(system: System) -> httpx.Client:
    """Return a client that is logged in."""
    return httpx.Client(
        base_url=system.url,
        headers={"sec-fetch-site": "same-origin"},
        cookies={SESSION_COOKIE: system.token},
        timeout=60,
        trust_env=False,
    )


def wanted_pages(system: System, request_id: str) -> Iterator[Wanted]:
    """Every page by the console's routes, and searches.

    Raises:
        KeyError: a route has a parameter of which no example is known.
    """
    examples = {
        "/campaigns/{name}": [system.blast, _FINISHED, PAUSED],
        "/campaigns/{name}/plan": [WAITING],
        "/redrives/{id}": [str(system.redrive)],
        "/rewards/{id}": [request_id],
    }
    for route in routes():
        if not isinstance(route, Route) or "GET" not in (route.methods or ()):
            continue
        if route.path in _NOT_PAGES:
            continue
        if "{" not in route.path:
            yield Wanted(route.path, route.path)
            continue
        for example in examples[route.path]:
            begin, _, rest = route.path.partition("{")
            shown = "the blast" if example == system.blast else example
            end = rest.partition("}")[2]
            yield Wanted(f"{begin}{shown}{end}" if "/{id}" not in route.path else route.path,
                         f"{begin}{example}{end}")  # fmt: skip
    yield Wanted("/audit?campaign=…", f"/audit?campaign={_FINISHED}")
    yield Wanted("search for a voucher", "/search", {"q": f"C{JOB}"})
    yield Wanted("search for a mobile", "/search", {"q": "919000000007"})
    yield Wanted("search for nothing known", "/search", {"q": "no such thing"})


def with_live_parts(client: httpx.Client, found: Sequence[Wanted]) -> Iterator[Wanted]:
    """Add what an open page asks for each second."""
    for each in found:
        yield each
        if each.form is None and _LIVE in client.get(each.path).text:
            mark = "&" if "?" in each.path else "?"
            yield Wanted(f"{each.name}, live part", f"{each.path}{mark}part=live")


def measure_pages(client: httpx.Client, found: Sequence[Wanted], rounds: int) -> list[Measured]:
    """Ask for every page once a round; no answer shares the values of an earlier round."""
    measured = [Measured(each) for each in found]
    order = random.Random(7)
    for _ in range(rounds):
        began = time.monotonic()
        for each in order.sample(measured, len(measured)):
            _ask(client, each)
        time.sleep(max(0.0, began + _ROUND_SECONDS - time.monotonic()))
    return measured


def _ask(client: httpx.Client, each: Measured) -> None:
    wanted = each.wanted
    began = time.perf_counter()
    if wanted.form is None:
        response = client.get(wanted.path)
    else:
        response = client.post(wanted.path, data=wanted.form)
    each.took_ms.append((time.perf_counter() - began) * 1e3)
    each.size = len(response.content)
    if response.status_code not in (200, 303):
        raise RuntimeError(f"{wanted.path} answered {response.status_code}: {response.text[:500]}")
