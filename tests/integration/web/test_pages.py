"""What pages show: the ledger's numbers, masked, and never a number that could not be read."""

import re
import threading
from contextlib import closing

import pytest

from console.local.addresses import free_port
from issuance.states import State
from ledger.queries.balance import balance
from ledger.store.database import Ledger
from operations.campaigns import balance_json
from tests.contract.ledger.build import make_job
from tests.integration.web.conftest import Console, served
from web.shared import Shared
from web.site import Site


def _numbers(page):
    numbers = page.partition("</dl>")[0]
    found = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", numbers)
    return {name: int(value.replace(",", "")) for name, value in found}


def test_the_page_has_the_numbers_of_the_command(console):
    page = console.browser("viewer").get("/campaigns/diwali").text
    fields = balance_json(balance(console.site.ledger, "diwali"))
    shown = _numbers(page)
    assert shown.pop("accepted") == fields["accepted"]
    assert shown.pop("units issued") == fields["units"]
    assert shown.pop("points redeemed") == fields["pointsRedeemed"]
    assert shown == {
        state.replace("_", " "): fields[state.value] for state in State if fields[state.value]
    }


def test_the_live_part_is_the_part_alone(console):
    part = console.browser("viewer").get("/campaigns/diwali?part=live").text
    assert "<dt>accepted</dt>" in part
    assert "<html" not in part


def test_a_live_part_without_a_session_reloads_the_page(console):
    """The page asks for its part at the end of the session, too, and is then loaded again."""
    assert 'hx-trigger="sse:tick, sse:ended"' in console.browser("viewer").get("/").text
    answer = console.browser().get("/?part=live")
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


def test_customers_are_masked_everywhere(console):
    client = console.browser("viewer")
    customer = make_job(2).customer.value
    assert customer[-3:] in client.get("/campaigns/diwali").text
    for path in ("/", "/campaigns/diwali", "/audit", f"/rewards/{make_job(2).id}"):
        assert customer not in client.get(path).text, path


@pytest.mark.parametrize("text", ["mobile", "request", "campaign"])
def test_one_box_finds_a_customer_a_reward_and_a_campaign(console, text):
    job = make_job(1)
    given = {"mobile": job.customer.value, "request": job.id, "campaign": "diwali"}[text]
    client = console.browser("viewer")
    answer = client.post("/search", data={"q": given})
    if text == "mobile":
        assert answer.status_code == 200
        assert job.id in answer.text
        assert job.customer.value not in answer.text
    else:
        assert answer.status_code == 303
        assert client.get(answer.headers["location"]).status_code == 200


def test_what_is_not_found_is_said(console):
    answer = console.browser("viewer").post("/search", data={"q": "no-such-thing"})
    assert "There is no line no-such-thing" in answer.text


def test_a_campaign_that_does_not_exist_is_not_found(console):
    assert console.browser("viewer").get("/campaigns/holi").status_code == 404


def test_a_ledger_that_cannot_be_read_is_said_and_no_number_is_shown(console):
    with Ledger("postgresql+psycopg://absent@127.0.0.1:9/none") as away:
        lost = Console(
            Site(console.site.services, away, f"http://127.0.0.1:{free_port()}"), console.desk
        )
        with served(lost.site), closing(lost):
            client = lost.browser()
            client.cookies.set("issuance_session", "any", domain="127.0.0.1")
            answer = client.get("/")
    assert answer.status_code == 503
    assert "The ledger cannot be read" in answer.text
    assert not re.search(r"\d+ (rewards|units)", answer.text)


def test_an_action_shows_its_command_and_leaves_the_entry_of_the_command(console):
    client = console.browser("operator")
    assert "issuance campaign pause diwali" in client.get("/campaigns/diwali").text
    assert client.post("/campaigns/diwali/pause").status_code == 303
    assert "paused diwali" in client.get("/audit").text


def test_a_cancellation_needs_the_campaigns_name(console):
    client = console.browser("operator")
    for given in (None, "holi"):
        form = {} if given is None else {"confirm": given}
        assert client.post("/campaigns/diwali/cancel", data=form).status_code == 200
        assert balance(console.site.ledger, "diwali").campaign.state == "running"
    assert client.post("/campaigns/diwali/cancel", data={"confirm": "diwali"}).status_code == 303
    assert balance(console.site.ledger, "diwali").campaign.state == "cancelled"


def test_names_from_files_do_not_become_markup(console):
    console.desk.another("<script>alert(1)</script>")
    page = console.browser("viewer").get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_many_open_pages_cost_one_reading():
    shared, reads = Shared(fresh_seconds=60), []
    begin = threading.Barrier(50)

    def open_page():
        begin.wait()
        assert shared.read("status", lambda: reads.append(1) or 7).value == 7

    threads = [threading.Thread(target=open_page) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1


def test_a_reading_that_fails_is_tried_again():
    shared = Shared(fresh_seconds=60)
    with pytest.raises(ZeroDivisionError):
        shared.read("status", lambda: 1 / 0)
    assert shared.read("status", lambda: 7).value == 7
