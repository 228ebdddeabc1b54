"""The console on a full ledger, and people who look at it in a browser."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from config.endpoints import Servers
from config.settings import Settings
from console.local.addresses import free_port
from issuance.states import CampaignState
from ledger.campaigns import find_campaign
from ledger.people.sessions import Person, begin_session
from ledger.store.database import Ledger
from operations.services import Services
from tests.browser.chromium import PROGRAM, chromium
from tests.browser.world import make_ledger
from tests.integration.web.conftest import served
from web.site import Site
from web.viewer import SESSION_COOKIE


@dataclass
class House:
    """The console, served."""

    site: Site

    def state(self, campaign: str) -> CampaignState:
        """The state of a campaign in the ledger."""
        found = find_campaign(self.site.ledger, campaign)
        assert found is not None
        return found.state

    def session(self, person: str) -> str:
        """Begin a session; returns its token."""
        return begin_session(self.site.ledger, Person(person, "user"))


@contextmanager
def _served(home: Path, ledger: Path) -> Iterator[House]:
    url = f"sqlite:///{ledger}"
    services = Services(
        Settings(home=home, ledger_url=url, approval_units=1), Servers(url, "", "", "", 0)
    )
    with closing(services), Ledger(url, durable=False) as opened:
        site = Site(services, opened, f"http://127.0.0.1:{free_port()}")
        with served(site):
            yield House(site)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("browser") / "ledger.db"
    make_ledger(path)
    return path


@pytest.fixture
def house(tmp_path: Path, filled: Path) -> Iterator[House]:
    """A console of the test's own."""
    with _served(tmp_path, Path(shutil.copy(filled, tmp_path / "ledger.db"))) as made:
        yield made


@pytest.fixture(scope="module")
def reading_room(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[House]:
    """A console for tests that change nothing."""
    home = tmp_path_factory.mktemp("reading")
    with _served(home, Path(shutil.copy(filled, home / "ledger.db"))) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("no Chromium: apt install chromium")
    with chromium() as running:
        yield running


@dataclass
class Watched:
    """Pages whose complaints are collected: errors of the console, and of the security policy."""

    stack: ExitStack
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def context(self, house: House, person: str | None = None, **options: Any) -> BrowserContext:
        """Open a browser of its own; `person` is logged in."""
        context = self.browser.new_context(base_url=house.site.url, **options)
        self.stack.callback(context.close)
        if person is not None:
            cookie = {"name": SESSION_COOKIE, "value": house.session(person)}
            context.add_cookies([{**cookie, "url": house.site.url, "httpOnly": True}])
        return context

    def page(self, house: House, person: str | None = None, **options: Any) -> Page:
        """Open a page in a browser of its own."""
        page = self.context(house, person, **options).new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        return page

    def _hear(self, kind: str, text: str) -> None:
        # Chromium also reports each page with an error status, which some tests ask for.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(f"{kind}: {text}")


@pytest.fixture
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """Opens pages, and fails the test if one complains."""
    if "house" in request.fixturenames:
        request.getfixturevalue("house")  # so that it stops after its pages are closed
    with ExitStack() as stack:
        made = Watched(stack, browser)
        yield made
    assert made.complaints == []
