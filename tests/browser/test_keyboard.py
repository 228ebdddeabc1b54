"""The console by keyboard: order, visible focus, and refreshes that disturb nothing."""

from ledger.people.sessions import end_session
from tests.browser.world import MIXED
from web.viewer import SESSION_COOKIE

_FOCUSED = "document.activeElement.innerText || document.activeElement.getAttribute('aria-label')"
_OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


def _await_refresh(page):
    """Wait until the page has fetched its live part once more."""
    with page.expect_response(lambda answer: "part=live" in answer.url) as answer:
        pass
    answer.value.finished()


def test_the_first_key_offers_to_skip_to_the_content(watched, reading_room):
    page = watched.page(reading_room, "viewer")
    page.goto("/dead-letters")
    page.keyboard.press("Tab")
    assert page.evaluate(_FOCUSED) == "Skip to the content"
    box = page.get_by_text("Skip to the content").bounding_box()
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_every_stop_of_the_tab_key_is_visible_and_in_the_order_of_the_page(watched, reading_room):
    page = watched.page(reading_room, "operator")
    page.goto("/dead-letters")
    places = []
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        assert page.evaluate(_OUTLINE) != "none", page.evaluate(_FOCUSED)
        places.append(
            page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        )
    assert places == sorted(places)
    reachable = "a[href], button:not(:disabled), input:not([type=hidden]), select, [tabindex='0']"
    assert len(places) == page.locator(reachable).count()


def test_a_campaign_is_paused_by_keys_alone(watched, house):
    page = watched.page(house, "operator")
    page.goto(f"/campaigns/{MIXED}")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUSED) == "Pause":
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert house.state(MIXED) == "paused"


def test_a_refresh_takes_neither_the_focus_nor_what_was_typed(watched, reading_room):
    page = watched.page(reading_room, "operator")
    page.goto(f"/campaigns/{MIXED}")
    page.get_by_label("Search").fill("half a vou")
    _await_refresh(page)
    _await_refresh(page)
    assert page.get_by_label("Search").input_value() == "half a vou"
    assert page.evaluate("document.activeElement.id") == "q"
    page.get_by_role("button", name="Pause").focus()
    _await_refresh(page)
    _await_refresh(page)
    assert page.evaluate(_FOCUSED) == "Pause"


def test_a_page_refreshes_by_itself(watched, house):
    page = watched.page(house, "viewer")
    page.goto(f"/campaigns/{MIXED}")
    page.get_by_text("running", exact=True).wait_for()
    other = watched.page(house, "operator")
    other.goto(f"/campaigns/{MIXED}")
    other.get_by_role("button", name="Pause").click()
    page.get_by_text("paused", exact=True).wait_for()


def test_a_page_whose_session_ended_leads_to_the_login(watched, house):
    page = watched.page(house, "viewer")
    page.goto(f"/campaigns/{MIXED}")
    (token,) = [each for each in page.context.cookies() if each["name"] == SESSION_COOKIE]
    end_session(house.site.ledger, token["value"])
    page.get_by_label("Password").wait_for()
    assert page.url.endswith(f"/login?next=/campaigns/{MIXED}")
