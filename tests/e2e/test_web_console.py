"""`issuance up` starts the web console, and its link logs in once."""

import re

import httpx
import pytest

from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import plain_rows


def _answers(browser: httpx.Client) -> bool:
    try:
        return browser.get("/livez").is_success
    except httpx.HTTPError:
        return False


@pytest.mark.processes
def test_the_printed_link_leads_to_the_running_campaign(start_system: StartSystem):
    with start_system("--simulator", "--no-flower", ISSUANCE_WEB_PORT="0") as system:
        link = re.search(r"^console +(\S+)$", system.processes.output.read_text(), re.MULTILINE)
        assert link is not None
        base, _, token = link[1].rpartition("/login/link/")
        assert system.running.web_url == base
        system.accept("spring", plain_rows(5, area=95))
        system.wait_settled("spring")
        headers = {"sec-fetch-site": "same-origin"}
        with httpx.Client(base_url=base, trust_env=False, headers=headers, timeout=20) as browser:
            await_that("the console answers", lambda: _answers(browser), 30)
            assert browser.get("/").headers["location"] == "/login?next=/"
            assert browser.post("/login", data={"token": token}).status_code == 303
            page = browser.get("/campaigns/spring").text
            assert "<dt>issued</dt><dd>5</dd>" in page
            with browser.stream("GET", "/live") as live:
                assert next(live.iter_lines()) == "event: tick"
            assert browser.post("/login", data={"token": token}).status_code == 403
