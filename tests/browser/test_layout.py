"""Pages fit a phone and paper, load quickly, and contain nothing that the policy forbids."""

import re

import pytest

from tests.browser.addresses import PAGES
from tests.browser.world import LONG_NAME, MIXED

_FIRST_PAINT_BYTES = 100_000
_PHONE = {"width": 320, "height": 640}
_TOO_WIDE = "[document.scrollingElement.scrollWidth, innerWidth]"
_INLINE = """
[...document.querySelectorAll('script:not([src]), style, [style]')].map(it => it.outerHTML)
"""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_has_nothing_inline(watched, reading_room, path):
    page = watched.page(reading_room, "admin", viewport=_PHONE)
    page.goto(path)
    needed, there = page.evaluate(_TOO_WIDE)
    assert needed <= there
    assert page.evaluate(_INLINE) == []


def test_an_inline_script_would_be_blocked_and_seen(watched, reading_room):
    page = watched.page(reading_room, "viewer")
    page.goto("/")
    page.evaluate("document.body.appendChild(document.createElement('script')).text = 'x = 1'")
    assert "Content Security Policy" in watched.complaints.pop()


@pytest.mark.parametrize("path", ["/", f"/campaigns/{LONG_NAME}", "/dead-letters"])
def test_paper_has_the_content_and_no_controls(watched, reading_room, path):
    page = watched.page(reading_room, "admin", viewport={"width": 700, "height": 900})
    page.goto(path)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.get_by_role("heading", level=1).is_visible()
    assert not page.get_by_role("navigation", name="Pages").is_visible()
    assert page.get_by_role("button").count() == 0
    colours = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colours) == "rgb(255, 255, 255)"
    needed, there = page.evaluate(_TOO_WIDE)
    assert needed <= there


@pytest.mark.parametrize("path", ["/", f"/campaigns/{MIXED}", "/dead-letters"])
def test_the_first_page_needs_at_most_100_kb(watched, reading_room, path):
    page = watched.page(reading_room, "viewer")
    requests = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108  # it needs a function
    page.goto(path, wait_until="load")
    first = [each for each in requests if "/live" not in each.url and "part=" not in each.url]
    assert {each.resource_type for each in first} >= {"document", "stylesheet", "script"}
    sizes = [each.sizes() for each in first]
    sent = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
    assert sent <= _FIRST_PAINT_BYTES


def test_times_are_the_viewers_with_utc_on_hover(watched, reading_room):
    page = watched.page(reading_room, "viewer", timezone_id="Asia/Kolkata")
    page.goto("/audit")  # sets the cookie of the zone
    page.goto("/audit")
    first = page.locator("main time").first
    shown, utc = first.inner_text(), first.get_attribute("title")
    assert utc.endswith(" UTC")
    minutes = [int(hour) * 60 + int(minute) for hour, minute in (
        re.search(r"(\d\d):(\d\d):\d\d", text).groups() for text in (shown, utc)
    )]  # fmt: skip
    assert (minutes[0] - minutes[1]) % (24 * 60) == 5 * 60 + 30


def test_large_numbers_are_grouped(watched, reading_room):
    page = watched.page(reading_room, "viewer")
    page.goto(f"/campaigns/{LONG_NAME}")
    assert "12,345,678" in page.locator("main").inner_text()
