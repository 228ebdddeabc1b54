"""The page of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.web.pages import Measured

_MOST_MS = 150
_LEAST_RATIO = 0.99
_MOST_BYTES = 100 * 1024


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds of the blast."""

    calls: float
    """A second."""
    web_cores: float
    """CPU of the web process, in cores."""
    refreshed: float
    """Live parts a second."""
    machine_percent: float
    """CPU of the whole machine since the last window."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The blast with open pages and without."""

    without: Window
    opened: Window

    @property
    def ratio(self) -> float:
        """The speed with open pages, compared with that without."""
        return self.opened.calls / self.without.calls


def write_page(
    path: Path,
    pages: Sequence[Measured],
    pairs: Sequence[Pair],
    *,
    lines: int,
    rate: int,
    rss_mb: Sequence[float],
    about: str,
) -> None:
    """Write the page, and print it."""
    ratio = median(pair.ratio for pair in pairs)
    slowest = max(pages, key=lambda page: page.p95)
    text = _PAGE.format(
        lines=lines,
        rate=f"{rate:,} calls a minute" if rate else "as many calls as the worker makes",
        about=about,
        requests=len(pages[0].took_ms),
        round=len(pages),
        slowest=f"{slowest.wanted.name}, {slowest.p95:.0f} ms",
        is_fast=_is_met(slowest.p95 <= _MOST_MS),
        pages="\n".join(map(_page_row, pages)),
        ratio=f"{ratio:.3f}",
        is_free=_is_met(ratio >= _LEAST_RATIO),
        pairs="\n".join(map(_pair_row, pairs)),
        rss=" → ".join(f"{each:.0f}" for each in rss_mb),
        answers=sum(len(page.took_ms) for page in pages),
    )
    print(text)
    path.write_text(text, encoding="utf-8")


def _is_met(is_met: bool) -> str:  # noqa: FBT001  # the only argument
    return "met" if is_met else "missed"


def _page_row(page: Measured) -> str:
    took = f"{page.middle:.1f} | {page.p95:.1f} | {max(page.took_ms):.1f}"
    cpu = page.cpu_ms / len(page.took_ms)
    return f"| {page.wanted.name} | {took} | {cpu:.1f} | {page.size / 1024:.1f} |"


def _pair_row(pair: Pair) -> str:
    calls = f"{pair.without.calls:,.0f} | {pair.opened.calls:,.0f} | {pair.ratio:.3f}"
    cores = f"{pair.without.web_cores:.2f} | {pair.opened.web_cores:.2f}"
    machine = f"{pair.without.machine_percent:.0f} % | {pair.opened.machine_percent:.0f} %"
    return f"| {calls} | {pair.opened.refreshed:.0f} | {cores} | {machine} |"


_PAGE = """\
# The web console in a large ledger

`make web-speed` writes this page. It fills a ledger (SQLite) with ten campaigns of the same
customers, one percent dead letters in forty groups, a campaign that waits for approval, and 20,000
entries of the audit log. Then a blast runs in the same ledger while pages are timed.

{lines:,} lines in the ledger; the blast makes {rate}. Machine: {about}.

## Pages during the blast

{requests} requests of each page, one page after the other, in rounds. A round takes longer than
pages share a value, so each page reads what it shows. The time is what a client on the same machine
waits, in milliseconds. Goal: at most 150 ms (p95). Slowest: {slowest}: {is_fast}.
CPU is the web process's, which other load of the machine changes little.

| page | median | p95 | most | CPU, mean | KB |
| --- | ---: | ---: | ---: | ---: | ---: |
{pages}

Memory of the web process, in MB: {rss} (at its start, after {answers:,} answers, and after the open
pages).

## What open pages cost the blast

The same blast with open pages and without, in turn. An open page has a stream of ticks, and reads
its live part at each. Goal: the blast keeps 0.99 of its calls. Median ratio: {ratio}: {is_free}.

| calls/s without | with | ratio | parts/s | web, cores without | with | machine without | with |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{pairs}
"""
