"""Every number on the pages is the one that the command prints with `--json` at that moment."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from config.endpoints import Servers
from console.local.addresses import free_port
from issuance.campaign_settings import GivenSettings
from issuance.redrive.rules import Verb
from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.campaign_changes import set_campaign
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dispatch.cancellation import cancel_campaign, settle_cancelled
from operations.services import Services
from tests.contract.ledger.build import (
    LIMIT_CODE,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)
from tests.integration.web.conftest import ADMIN, Console, served
from tests.integration.web.reading import BY_OUTCOME, number, table, text_of
from tests.redriving import redrive
from web.site import Site

_STATES = tuple(State)
_NAMES = ("diwali", "onam", "pongal")


@pytest.fixture
def busy(console):
    """Three campaigns with lines of many outcomes; one has a budget, one was cancelled."""
    desk, ledger = console.desk, console.site.ledger
    set_campaign(ledger, "diwali", GivenSettings(budget_units=5_000), ADMIN, zone="UTC")
    desk.accept(*make_jobs(40, first=100, quantity=2, rewards=(1001, 1002)))
    held = desk.take()
    once = RetryPolicy(max_attempts=1)
    for place, job in enumerate(held.jobs):
        reply = (issue(job), refuse(), refuse(LIMIT_CODE), TIMEOUT)[place % 4]
        desk.record(held, judge(job, reply, policy=once))
    onam = desk.another("onam")
    onam.accept(*make_jobs(30, first=200, campaign="onam", quantity=3))
    held = onam.take()
    for place, job in enumerate(held.jobs[:25]):
        partial = answer(*(say(line, 8010, units=1) for line in job.lines))
        onam.record(held, judge(job, partial if place % 5 else refuse(), policy=once))
    redrive(ledger, DeadLetterFilter(campaign="onam", code=8010), Verb.RESEND, ADMIN)
    pongal = desk.another("pongal")
    pongal.accept(*make_jobs(9, first=300, campaign="pongal"))
    cancel_campaign(ledger, "pongal", ADMIN, notify=lambda _: None)
    while settle_cancelled(ledger):
        pass
    desk.accept(make_job(77))
    return console


def _command(console, *words, **more):
    """Run a command on the console's ledger, and read what it prints for programs."""
    settings = console.site.services.settings
    environment = {name: value for name, value in os.environ.items() if "ISSUANCE_" not in name}
    environment |= {"ISSUANCE_HOME": str(settings.home), "PYTHONPATH": str(Path.cwd())}
    run = subprocess.run(
        [sys.executable, "-m", "console", *words],
        env=environment | more,
        cwd=settings.home,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def _status(console):
    (found,) = _command(console, "status", "--json")
    return {each["campaign"]: each for each in found["campaigns"]}, found


def test_the_overview_has_the_numbers_of_the_status(busy):
    campaigns, _ = _status(busy)
    page = busy.browser("viewer").get("/").text
    cards = {
        name: text_of(card)
        for name, card in re.findall(
            r'<article class="card">\s*<h3><a href="/campaigns/([^"]+)">(.*?)</article>',
            page,
            re.DOTALL,
        )
    }
    assert set(cards) == set(campaigns) == set(_NAMES)
    for name, fields in campaigns.items():
        shown = cards[name]
        assert f"{fields['accepted']:,} rewards" in shown
        assert f"{fields['units']:,} units issued" in shown
        open_lines = sum(fields[state] for state in ("waiting", "queued", "running"))
        assert (f"{open_lines:,} to go" in shown) is (open_lines > 0)
        letters = fields["openDeadLetters"]
        assert (f"{letters:,} dead letters" in shown) is (letters > 0)


@pytest.mark.parametrize("name", _NAMES)
def test_a_campaign_has_the_numbers_of_status_totals_and_outcomes(busy, name):
    fields = _status(busy)[0][name]
    page = busy.browser("viewer").get(f"/campaigns/{name}").text
    rows = table(page, BY_OUTCOME)[1:]
    counts = {row[0].replace(" ", "_"): number(row[1]) for row in rows[:-1]}
    assert counts == {state: fields[state] for state in _STATES if fields[state]}
    everything = [number(cell) for cell in rows[-1][1:]]
    assert everything == [fields["accepted"], fields["units"], fields["pointsRedeemed"]]
    letters = re.search(r"Open dead letters <span[^>]*>\d+ of ([\d,]+)<", page)[1]
    assert number(letters) == fields["openDeadLetters"]

    (totals,) = _command(busy, "totals", "--by", "campaign", "--campaign", name, "--json")
    issued = [row for row in rows if row[0] in ("issued", "partial", "revoked")]
    total = totals["whole"]
    assert sum(number(row[1]) for row in issued) == total["lines"]
    assert sum(number(row[2]) for row in issued) == total["units"]
    # Lines that are sent again keep their units, and are no total yet.
    again = [number(row[2]) for row in rows if row[0] == "waiting"]
    assert number(rows[-1][2]) - sum(again) == total["netUnits"]

    lines = _command(busy, "outcomes", name, "--format", "jsonl")
    not_in_full = ("failed", "partial", "in_doubt")
    by_code = Counter(
        (each["state"], each["code"]) for each in lines if each["state"] in not_in_full
    )
    shown = {
        (row[0].replace(" ", "_"), None if row[1] == "none" else int(row[1])): number(row[3])
        for row in table(page, "Lines by code")[1:]
    }
    assert shown == by_code


def test_a_budget_has_the_numbers_of_the_status(busy):
    budget = _status(busy)[0]["diwali"]["budget"]
    page = busy.browser("viewer").get("/campaigns/diwali").text
    name, *cells = table(page, "Budget")[1]
    used, reserved = budget["issued"]["units"], budget["reserved"]["units"]
    assert name == "units"
    assert reserved > 0
    assert list(map(number, cells)) == [
        *(budget["units"], used, reserved, budget["units"] - used - reserved, budget["percent"])
    ]


def test_dead_letters_have_the_numbers_of_their_groups(busy):
    (found,) = _command(busy, "dead-letters", "groups", "--json")
    page = busy.browser("viewer").get("/dead-letters").text
    headings = [text_of(each) for each in re.findall(r"<h3>(.*?)</h3>", page, re.DOTALL)]
    shown = [number(heading.partition(" ")[0]) for heading in headings]
    assert shown == [group["letters"] for group in found["groups"]]
    total = sum(shown)
    assert f"{len(shown)}, with {total:,.0f} open letters" in page
    assert total == sum(each["openDeadLetters"] for each in _status(busy)[0].values())


@pytest.fixture
def without_redis(busy):
    """The same ledger with an API account whose Redis does not answer."""
    before, away = busy.site.services.settings, "http://127.0.0.1:9"
    servers = Servers(before.ledger_url, "", _NO_REDIS, away, 0)
    services = Services(before.model_copy(update={"api_url": away}), servers)
    site = Site(services, busy.site.ledger, f"http://127.0.0.1:{free_port()}")
    with served(site), closing(Console(site, busy.desk)) as console:
        yield console
    services.close()


_NO_REDIS = "redis://127.0.0.1:9/0"


def test_limits_that_cannot_be_read_are_said_and_are_not_zero(without_redis):
    more = {"ISSUANCE_REDIS_URL": _NO_REDIS, "ISSUANCE_API_URL": "http://127.0.0.1:9"}
    (status,) = _command(without_redis, "status", "--json", **more)
    assert (status["limits"], status["accounts"]) == (None, [])
    page = without_redis.browser("viewer").get("/campaigns/diwali").text
    assert "limits are not known" in page
    assert not re.search(r"of 0 allowed|\b0 allowed", text_of(page))
    assert table(page, BY_OUTCOME)[-1][0] == "all"
