"""How long each page takes, and which pages there are."""

import random
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median

import httpx
from starlette.routing import Route

from benchmarks.cores import cpu_seconds
from benchmarks.web.ledger import PAUSED, WAITING
from benchmarks.web.system import System
from issuance.account import DEFAULT_ACCOUNT
from web.app import routes
from web.viewer import SESSION_COOKIE

_ROUND_SECONDS = 1.05
"""Longer than pages share a value: each request reads what it shows."""
_LIVE = 'sse-connect="/live"'
_NOT_PAGES = ("/live", "/livez", "/login/link/{token}")
_ANSWERS = (200, 303)
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
    cpu_ms: float = 0.0
    """CPU of the web process during all answers, by a clock of 10 ms."""
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
    """Every page by the console's routes, and searches."""
    examples = {
        "/campaigns/{name}": [system.blast, _FINISHED, PAUSED],
        "/campaigns/{name}/plan": [WAITING],
        "/redrives/{id}": [str(system.redrive)],
        "/rewards/{id}": [request_id],
        "/account/{name}": [DEFAULT_ACCOUNT],
    }
    paths = [
        route.path
        for route in routes()
        if isinstance(route, Route) and "GET" in (route.methods or ())
    ]
    for path in paths:
        if path not in _NOT_PAGES:
            for example in examples.get(path, [system.blast, _FINISHED] if "{" in path else [""]):
                filled = re.sub(r"\{\w+\}", example, path)
                yield Wanted(filled.replace(system.blast, "the blast"), filled)
    yield Wanted("/audit?campaign=…", f"/audit?campaign={_FINISHED}")
    yield Wanted("search for a voucher", "/search", {"q": f"C{JOB}"})
    yield Wanted("search for a mobile", "/search", {"q": "919000000007"})
    yield Wanted("search for nothing known", "/search", {"q": "no such thing"})


def with_live_parts(client: httpx.Client, found: Iterable[Wanted]) -> Iterator[Wanted]:
    """Leave out what there is not in this ledger; add what an open page asks for each second."""
    for each in found:
        answer = _send(client, each)
        if answer.status_code not in _ANSWERS:
            print(f"Not measured: {each.path} answers {answer.status_code}", file=sys.stderr)
            continue
        yield each
        if _LIVE in answer.text:
            mark = "&" if "?" in each.path else "?"
            yield Wanted(f"{each.name}, live part", f"{each.path}{mark}part=live")


def measure_pages(
    system: System, client: httpx.Client, found: Sequence[Wanted], rounds: int
) -> list[Measured]:
    """Ask for every page once a round; no answer shares the values of an earlier round."""
    measured = [Measured(each) for each in found]
    order = random.Random(7)
    for _ in range(rounds):
        began = time.monotonic()
        for each in order.sample(measured, len(measured)):
            cpu = cpu_seconds(system.web)
            _ask(client, each)
            each.cpu_ms += (cpu_seconds(system.web) - cpu) * 1e3
        time.sleep(max(0.0, began + _ROUND_SECONDS - time.monotonic()))
    return measured


def _ask(client: httpx.Client, each: Measured) -> None:
    began = time.perf_counter()
    answer = _send(client, each.wanted)
    each.took_ms.append((time.perf_counter() - began) * 1e3)
    each.size = len(answer.content)
    if answer.status_code not in _ANSWERS:
        raise RuntimeError(f"{each.wanted.path} answers {answer.status_code}: {answer.text[:500]}")


def _send(client: httpx.Client, wanted: Wanted) -> httpx.Response:
    if wanted.form is None:
        return client.get(wanted.path)
    return client.post(wanted.path, data=wanted.form)
