"""Two ways through the console's pages for one flow: a browser, and HTTP without any script."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import httpx
from lxml import html
from playwright.sync_api import Page


class Driver(Protocol):
    """A person who reads, fills in and presses what is on a page, by its visible names."""

    def open(self, path: str) -> None:
        """Open a page."""

    def read(self) -> str:
        """Return the page's text."""

    def fill(self, label: str, value: str) -> None:
        """Type into a field."""

    def attach(self, label: str, path: Path) -> None:
        """Choose a file."""

    def unfold(self, name: str) -> None:
        """Open what is folded."""

    def press(self, name: str) -> None:
        """Press a button, and wait for the page that follows."""

    def save(self, name: str) -> bytes:
        """Press a button that gives a file; returns the file."""

    def follow(self, name: str) -> None:
        """Follow a link."""

    @property
    def path(self) -> str:
        """The page's path."""


class BrowserDriver:
    """In Chromium.

    Args:
        page: its page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, path: str) -> None:
        self.page.goto(path)

    def read(self) -> str:
        return self.page.locator("main").inner_text()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label).first.fill(value)

    def attach(self, label: str, path: Path) -> None:
        self.page.get_by_label(label).first.set_input_files(path)

    def unfold(self, name: str) -> None:
        self.page.get_by_text(name, exact=True).click()

    def press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()

    def save(self, name: str) -> bytes:
        with self.page.expect_download() as found:
            self.page.get_by_role("button", name=name, exact=True).click()
        return found.value.path().read_bytes()

    def follow(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name, exact=True).first.click()

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path


class HttpDriver:
    """Over HTTP, with the forms of the page as they are.

    Args:
        client: with the person's session.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._typed: dict[Any, str] = {}
        self._files: dict[Any, Path] = {}

    def open(self, path: str) -> None:
        self._show(self._client.get(path, follow_redirects=True))

    def read(self) -> str:
        return " ".join(self._page.find(".//main").text_content().split())

    def fill(self, label: str, value: str) -> None:
        self._typed[self._field(label)] = value

    def attach(self, label: str, path: Path) -> None:
        self._files[self._field(label)] = path

    def unfold(self, name: str) -> None:
        self._named("summary", name)

    def press(self, name: str) -> None:
        self._show(self._press(name))

    def save(self, name: str) -> bytes:
        answer = self._press(name)
        assert answer.headers["content-disposition"].startswith("attachment")
        return answer.content

    def _press(self, name: str) -> httpx.Response:
        button = self._named("button", name)
        (form,) = button.xpath("ancestor::form")
        given = dict(form.form_values())
        mine = set(form.iter())
        given |= {each.get("name"): value for each, value in self._typed.items() if each in mine}
        if button.get("name"):
            given[button.get("name")] = button.get("value")
        files = {each.get("name"): path for each, path in self._files.items() if each in mine}
        return self._submit(form, given, files)

    def _submit(
        self, form: Any, given: Mapping[str, str], files: Mapping[str, Path]
    ) -> httpx.Response:
        address = urljoin(self._url, form.get("action") or "")
        if form.method == "GET":
            return self._client.get(address, params=given, follow_redirects=True)
        sent = {name: (path.name, path.read_bytes()) for name, path in files.items()}
        return self._client.post(address, data=given, files=sent or None, follow_redirects=True)

    def follow(self, name: str) -> None:
        self.open(urljoin(self._url, self._named("a", name).get("href")))

    @property
    def path(self) -> str:
        return urlsplit(self._url).path

    def _show(self, answer: httpx.Response) -> None:
        self._url = str(answer.url)
        self._page = html.document_fromstring(answer.text)
        self._typed, self._files = {}, {}

    def _named(self, kind: str, name: str) -> Any:
        found = [
            each
            for each in self._page.iter(kind)
            if " ".join(each.text_content().split()) == name and each.get("disabled") is None
        ]
        assert found, f"{self.path} has no {kind} {name!r}"
        return found[0]

    def _field(self, label: str) -> Any:
        for each in self._page.iter("label"):
            if label.casefold() in each.text_content().casefold():
                field = each.for_element
                return next(each.iter("input", "select", "textarea")) if field is None else field
        raise AssertionError(f"{self.path} has no field {label!r}")
