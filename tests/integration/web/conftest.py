"""The web console on a ledger with work, and people with every role."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from config.endpoints import Servers
from config.settings import Settings
from console.local.addresses import free_port
from issuance.redrive.bulk import ActionKind
from ledger.audit_log import Operator
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.plans import make_plan
from ledger.people.sessions import Person, begin_session
from ledger.people.users import add_user
from ledger.store.database import Ledger
from operations.access.roles import Role
from operations.people.passwords import hash_password
from operations.services import Services
from tests.contract.ledger.build import Desk, issue, judge, make_job, refuse
from web.app import make_app
from web.server import SERVING
from web.site import Site
from web.viewer import SESSION_COOKIE

PASSWORD = "correct horse battery"
ADMIN = Operator("root")


@dataclass
class Console:
    """The console, with a browser for each person."""

    site: Site
    desk: Desk
    browsers: list[httpx.Client] = field(default_factory=list)

    def close(self) -> None:
        """Close all browsers."""
        for browser in self.browsers:
            browser.close()

    def browser(self, person: str | None = None) -> httpx.Client:
        """Return a browser; `person` is logged in."""
        client = httpx.Client(base_url=self.site.url, trust_env=False, timeout=20)
        client.headers["sec-fetch-site"] = "same-origin"
        self.browsers.append(client)
        if person is not None:
            token = begin_session(self.site.ledger, Person(person, "user"))
            client.cookies.set(SESSION_COOKIE, token, domain="127.0.0.1")
        return client


@contextmanager
def served(site: Site) -> Iterator[None]:
    """Serve a site at its address in a thread."""
    found = urlsplit(site.url)
    config = uvicorn.Config(
        make_app(site), host=found.hostname or "", port=found.port or 0, **SERVING
    )
    server = uvicorn.Server(config)
    with socket.create_server((config.host, config.port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with people of every role and some work; each test copies it."""
    path = tmp_path_factory.mktemp("web") / "ledger.db"
    hashed = hash_password(PASSWORD)
    with Ledger(f"sqlite:///{path}", durable=False) as ledger:
        ledger.migrate()
        for role in Role:
            add_user(ledger, role.value, hashed, [role.value], ADMIN)
        desk = Desk(ledger, ensure_campaign(ledger, "diwali"))
        held, job = desk.take_one(make_job(1))
        desk.record(held, judge(job, issue(job)))
        desk.settle(make_job(2), refuse())
        desk.accept(make_job(3))
        make_plan(ledger, DeadLetterFilter(), ActionKind.REISSUE, ADMIN)
    return path


@contextmanager
def opened(folder: Path, filled: Path, **settings: Any) -> Iterator[Console]:
    """Serve a console with settings of its own on a copy of a ledger."""
    url = f"sqlite:///{shutil.copy(filled, folder / 'ledger.db')}"
    given = Settings(home=folder, ledger_url=url, **settings)
    services = Services(given, Servers(url, "", "", "", 0))
    with Ledger(url, durable=False) as ledger:
        site = Site(services, ledger, f"http://127.0.0.1:{free_port()}")
        desk = Desk(ledger, find_campaign(ledger, "diwali"))
        with served(site), closing(Console(site, desk)) as made:
            yield made
    services.close()


@pytest.fixture
def console(tmp_path: Path, filled: Path) -> Iterator[Console]:
    with opened(tmp_path, filled) as made:
        yield made
