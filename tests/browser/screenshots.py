"""`make screenshots`: pictures of every page of a real system, light, dark and narrow.

They are for looking at: alignment, empty states, long names, hierarchy. `readme-….png` are those of
the README; copy them to docs/images as `console-….png` when the pages have changed.
"""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from ledger.dead_letters.browse import DeadLetterFilter, list_dead_letters
from tests.browser.addresses import pages
from tests.browser.chromium import PROGRAM, chromium
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows, scrubbed_environment

_FOLDER = Path("build/screenshots")
_LOOKS: Final = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 640}},
}
_README: Final = {"viewport": {"width": 1280, "height": 900}, "timezone_id": "Asia/Kolkata"}
_RUNNING, _MIXED, _STOPPED, _WAITING = (
    "diwali-2026",
    "spring-vouchers",
    "wedding-gifts",
    "onam-2026",
)
_LONG = ("loyalty-tier-upgrade-thank-you-" * 7)[:200]
_CARDS_ONLY, _FAILS_AT_TIMES, _NONE = 1008, 1027, 9999
_SETTINGS: Final = {
    "ISSUANCE_API_RATE_PER_MINUTE": "3000",
    "ISSUANCE_API_RATE_ADAPTS": "false",
    "ISSUANCE_CHUNK_MAX_JOBS": "50",
    "ISSUANCE_APPROVAL_UNITS": "10000",
    "ISSUANCE_RECONCILE_DELAYS_SECONDS": "0.3,0.5",
    "ISSUANCE_FLOWER_PORT": "0",
    "ISSUANCE_HEALTH_PORT": "0",
    "ISSUANCE_WEB_PORT": "0",
}


def main() -> None:
    """Start a system, let it work, and take the pictures."""
    if PROGRAM is None:
        sys.exit("no Chromium: apt install chromium")
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        whole = scrubbed_environment() | _SETTINGS | {"ISSUANCE_HOME": str(home)}
        with System(home, whole, "--simulator", "--no-flower") as system, chromium() as browser:
            link = _fill(system)
            _take_all(browser, link, _addresses(system))
    print(f"written: {_FOLDER}")


def _fill(system: System) -> str:
    """Make campaigns in every state; returns the link of the first login."""
    system.blast("republic-day", plain_rows(400, area=10))
    mixed = [
        *plain_rows(300, area=11),
        *plain_rows(40, area=12, reward=_FAILS_AT_TIMES),
        *plain_rows(12, area=13, reward=_CARDS_ONLY),
    ]
    system.blast(_MIXED, mixed)
    system.blast(_STOPPED, plain_rows(200, area=14, reward=_NONE))
    many = [row | {"quantity": 10} for row in plain_rows(2_000, area=15)]
    for name, rows in (("winter-preview", plain_rows(40, area=19)), (_WAITING, many)):
        path = system.write_file(name, rows)
        _run(system, "blast", str(path), "--campaign", name, "--draft")
    _run(system, "campaign", "submit", _WAITING, "--note", "ticket 4711, as agreed with finance")
    system.blast("monsoon-thanks", plain_rows(900, area=16))
    _run(system, "campaign", "pause", "monsoon-thanks", "--note", "the offer's text is wrong")
    system.blast(_LONG, plain_rows(12, area=17))
    system.wait_settled(_MIXED, 120)
    _run(system, "dead-letters", "redrive", "--campaign", _MIXED, "--reissue", "--yes",
         "--note", "the vendor has vouchers again")  # fmt: skip
    system.blast(_RUNNING, plain_rows(8_000, area=18))
    await_that("a campaign is stopped", lambda: _state(system, _STOPPED) == "stopped", 120)
    await_that("a campaign is under way", lambda: system.balance(_RUNNING).units > 800, 120)
    found = re.search(r"^console +(\S+)$", system.processes.output.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def _state(system: System, campaign: str) -> str:
    return str(system.balance(campaign).campaign.state.value)


def _run(system: System, *command: str) -> None:
    done = system.command(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def _addresses(system: System) -> list[str]:
    (line, *_) = [each for each in system.lines(_MIXED) if each.reward_id == _FAILS_AT_TIMES]
    listed = json.loads(system.command("redrives", "list", "--json").stdout)
    names = (_RUNNING, _MIXED, _STOPPED, _WAITING, "winter-preview", "monsoon-thanks", _LONG)
    letter = next(iter(list_dead_letters(system.ledger, DeadLetterFilter(campaign=_MIXED))))
    values = {
        "/campaigns/{name}/plan": ("winter-preview", _WAITING),
        "/campaigns/{name}/": (_MIXED,),
        "/campaigns/{name}": names,
        "/uploads/{id}": (),
        "/redrives/{id}": [each["redrive"] for each in listed["redrives"]],
        "/rewards/{id}": (line.request_id,),
        "/account/{name}": ("default",),
        "/dead-letters/{id}": (letter.id,),
        "/login/link/{token}": ("a-token",),
    }
    return [*pages(values), "/campaigns/no-such-campaign"]


def _take_all(browser: Browser, link: str, addresses: list[str]) -> None:
    first = browser.new_context(timezone_id="Asia/Kolkata")
    with _opened(first.new_page(), link) as page:
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("heading", name="Overview").wait_for()
    cookies, base = first.cookies(), link.partition("/login/")[0]
    with browser.new_context(base_url=base, **_README) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        for name, address in (("overview", "/"), ("campaign", f"/campaigns/{_RUNNING}")):
            with _opened(context.new_page(), address) as page:
                page.screenshot(path=_FOLDER / f"readme-{name}.png")
    for look, options in _LOOKS.items():
        context = browser.new_context(base_url=base, timezone_id="Asia/Kolkata", **options)
        context.add_cookies(cookies)  # type: ignore[arg-type]
        for address in addresses:
            with _opened(context.new_page(), address) as page:
                path = _FOLDER / f"{_slug(address)}.{look}.png"
                page.screenshot(path=path, full_page=True)
        context.close()


@contextmanager
def _opened(page: Page, address: str) -> Iterator[Page]:
    page.goto(address)
    yield page
    page.close()


def _slug(address: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", address.strip("/"))[:60].strip("-") or "overview"


if __name__ == "__main__":
    main()
