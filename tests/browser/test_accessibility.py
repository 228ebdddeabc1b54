"""Every page passes axe-core, in light and in dark, and so do the pages of errors."""

from contextlib import closing
from pathlib import Path

import pytest

from config.endpoints import Servers
from config.settings import Settings
from console.local.addresses import free_port
from ledger.store.database import Ledger
from operations.services import Services
from tests.browser.addresses import PAGES
from tests.browser.conftest import House
from tests.browser.world import CLOSED, MIXED, WAITING
from tests.integration.web.conftest import served
from web.site import Site

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
_LIGHT_AND_DARK = ("light", "dark")


def violations(page):
    """Run axe-core on a page; returns each fault with the elements that have it."""
    page.evaluate(_AXE)
    found = page.evaluate("axe.run()")["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


def _in_both_schemes(page):
    for scheme in _LIGHT_AND_DARK:
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_violation(watched, reading_room, path):
    page = watched.page(reading_room, "admin")
    assert page.goto(path).status == 200
    _in_both_schemes(page)


@pytest.mark.parametrize(
    ("person", "path", "status"),
    [("revealer", "/", 403), ("admin", "/campaigns/none", 404), ("admin", "/none", 404)],
)
def test_a_page_of_an_error_has_no_violation(watched, reading_room, person, path, status):
    page = watched.page(reading_room, person)
    assert page.goto(path).status == status
    _in_both_schemes(page)


def test_a_refusal_and_a_question_have_no_violation(watched, house):
    page = watched.page(house, "approver")
    page.goto(f"/campaigns/{WAITING}/plan")
    page.get_by_label("What must be mended").fill(" ")
    page.get_by_role("button", name="Reject").click()
    assert page.get_by_role("heading", name="Refused").is_visible()
    _in_both_schemes(page)
    page = watched.page(house, "operator")
    page.goto(f"/campaigns/{MIXED}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("Type the campaign").wait_for()
    _in_both_schemes(page)


def test_a_saved_report_has_no_violation_and_asks_for_nothing(watched, house, tmp_path):
    page = watched.page(house, "viewer")
    page.goto(f"/campaigns/{CLOSED}")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the report").click()
    saved.value.save_as(tmp_path / "report.html")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{tmp_path}/report.html")
    assert asked == [page.url]
    _in_both_schemes(page)


def test_an_unreadable_ledger_has_no_violation(watched, tmp_path):
    url = "postgresql+psycopg://absent@127.0.0.1:9/none"
    services = Services(Settings(home=tmp_path), Servers(url, "", "", "", 0))
    with closing(services), Ledger(url) as away:
        site = Site(services, away, f"http://127.0.0.1:{free_port()}")
        with served(site):
            page = watched.page(House(site))
            cookie = {"name": "issuance_session", "value": "any", "url": site.url}
            page.context.add_cookies([cookie])
            assert page.goto("/").status == 503
            _in_both_schemes(page)
