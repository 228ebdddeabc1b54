"""Follows the ledger's attempts: exact counts at each scrape, without reading all of them again.

The history is cut into pages by start time. A page's attempts are counted in every respect when it
is read. After that only their number is compared, by the index, and a page whose number has
changed is read again: an attempt is recorded after its call, so it may appear in an older page.

Each scrape compares the newest attempts, many more than can be under way, and a part of the older
ones. So an attempt that a frozen worker records hours later is found too, in one round over the
history: 200 scrapes for ten million attempts.

Pruning removes attempts. They stay counted, so totals never decrease.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.queries.attempt_counts import Counts, Span, count_span, end_of_page

ReadSpan = Callable[[Connection, Span], Counts]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of attempts."""

    page: int = 2_000
    """Of a new page: a few milliseconds to read. One that grows to twice as many is cut."""
    old_page: int = 20_000
    """Most of an older page, which hardly ever changes."""
    recent: int = 50_000
    """The newest ones, which each scrape compares; at most a few thousand calls are under way."""
    older: int = 50_000
    """Older ones that each scrape compares."""
    most_new: int = 40_000
    """More new ones than these are not read within a scrape."""


_SIZES = Sizes()
_MOST_OLDER = 3
"""Older pages that one scrape reads again; the next round finds the others."""


@dataclass(slots=True, eq=False)
class _Page:
    span: Span
    counts: Counts = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return sum(count for key, count in self.counts.items() if key[0] == "attempts")


class AttemptHistory:
    """The counts of all attempts.

    Args:
        read_span: counts the attempts of a span.
        sizes: of pages, and of what one scrape reads.
    """

    def __init__(self, read_span: ReadSpan, sizes: Sizes = _SIZES) -> None:
        self._read_span = read_span
        self._sizes = sizes
        self._total: Counts = Counter()
        self._pages: list[_Page] = []
        """Adjacent spans; the last one has no end when the history is complete."""
        self._start: int | None = 0
        """From here on nothing is read; None: the history is complete."""
        self._found: Counts = Counter()
        """What was read since it was complete, and is not in the total yet."""
        self._replaced: Counts = Counter()
        """What of that is in the total already."""
        self._next_older = 0

    @property
    def is_complete(self) -> bool:
        """Whether all attempts are counted."""
        return self._start is None

    @property
    def total(self) -> Counts:
        """The counts, those of pruned attempts included."""
        return self._total

    def read_next(self, connection: Connection, rows: int | None = None) -> bool:
        """Read the next page of what is not read yet; returns whether the history is complete."""
        if self._start is None:
            return True
        end = end_of_page(connection, self._start, rows or self._sizes.old_page)
        page = self._read(connection, self._start, end)
        self._pages.append(page)
        self._found.update(page.counts)
        self._start = page.span.end
        if self._start is None:
            self._count(self._found, self._replaced)
            self._found, self._replaced = Counter(), Counter()
        return self.is_complete

    def refresh(self, connection: Connection) -> bool:
        """Bring the history up to date within one transaction.

        Returns:
            Whether it is complete; if not, there is too much to be read at once, see `read_next`.
        """
        if not self.is_complete:
            return False
        last = self._pages[-1]
        new = count_span(connection, last.span) - last.rows
        if new:
            self._pages.pop()
            self._start, self._replaced = last.span.start, last.counts
            if new > self._sizes.most_new:
                return False
            while not self.read_next(connection, self._sizes.page):
                pass
        self._compare(connection)
        return True

    def _read(self, connection: Connection, start: int, end: int | None) -> _Page:
        span = Span(start, end)
        return _Page(span, self._read_span(connection, span))

    def _count(self, found: Counts, before: Counts) -> None:
        # Only what was added: what is missing was pruned.
        self._total.update(found - before)

    def _compare(self, connection: Connection) -> None:
        first = self._first_recent()
        for page in self._changed(connection, self._pages[first:-1]):
            self._read_again(connection, page)
        self._merge_before(first)
        for page in self._changed(connection, self._older(self._first_recent()))[:_MOST_OLDER]:
            self._read_again(connection, page)

    def _read_again(self, connection: Connection, page: _Page) -> None:
        most = max(page.rows, 2 * self._sizes.page)
        pages: list[_Page] = []
        start: int | None = page.span.start
        while start is not None and start != page.span.end:
            end = end_of_page(connection, start, most)
            if end is None or (page.span.end is not None and end > page.span.end):
                end = page.span.end
            pages.append(self._read(connection, start, end))
            start = end
        self._count(sum((each.counts for each in pages), Counter()), page.counts)
        place = self._pages.index(page)
        self._pages[place : place + 1] = pages

    def _first_recent(self) -> int:
        rows, place = 0, len(self._pages) - 1
        while place > 0 and rows < self._sizes.recent:
            place -= 1
            rows += self._pages[place].rows
        return place

    def _older(self, first_recent: int) -> list[_Page]:
        """Return the next older pages in turn."""
        if self._next_older >= first_recent:
            self._next_older = 0
        chosen: list[_Page] = []
        rows = 0
        while self._next_older < first_recent and rows < self._sizes.older:
            chosen.append(self._pages[self._next_older])
            rows += chosen[-1].rows
            self._next_older += 1
        return chosen

    def _changed(self, connection: Connection, pages: Sequence[_Page]) -> list[_Page]:
        """Return those of adjacent pages that have gained or lost attempts."""
        if not pages:
            return []
        whole = Span(pages[0].span.start, pages[-1].span.end)
        if count_span(connection, whole) == sum(page.rows for page in pages):
            return []
        return [page for page in pages if count_span(connection, page.span) != page.rows]

    def _merge_before(self, place: int) -> None:
        """Merge the pages before this one, so that a long life does not collect small ones."""
        while place > 1:
            earlier, later = self._pages[place - 2 : place]
            if earlier.rows + later.rows > self._sizes.old_page:
                return
            span = Span(earlier.span.start, later.span.end)
            self._pages[place - 2 : place] = [_Page(span, earlier.counts + later.counts)]
            place -= 1
