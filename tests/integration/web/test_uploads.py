"""A campaign's file, sent with a browser: named, checked, and saved as a draft."""

import fcntl
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from sqlalchemy import select

from ledger.campaigns import find_campaign
from ledger.queries.audit_entries import AuditFilter, read_audit_page
from ledger.queries.balance import balance
from ledger.store.schema import intakes
from operations.access.roles import RIGHTS_OF, Right, Role
from operations.uploads.state import Stage
from operations.uploads.upload import find_in
from producers.uploads.passed_lock import PassedLock
from producers.uploads.work import Job, Task, run
from tests.integration.web.conftest import opened
from tests.workbooks import write_workbook
from web.viewer import Viewer, find_viewer

GOOD = b"mobile,rewardId,quantity\n919800000011,1001,1\n919800000012,1002,2\n"
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


def folder(console, upload_id=""):
    return console.site.services.settings.home / "uploads" / upload_id


def send(console, browser, content, name="customers.csv", **files):
    """Send a file; return its upload's page, once it is read."""
    answer = browser.post("/uploads", files={"file": (name, content)} | files)
    assert answer.status_code == 303, answer.text
    return settled(console, browser, answer.headers["location"])


def settled(console, browser, page):
    """Return the page when no process works on the upload."""
    with (folder(console, page.rpartition("/")[2]) / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    return browser.get(page)


def page_of(answer):
    return re.match(r"/uploads/[0-9a-f]{32}", answer.url.path)[0]


def press(console, browser, answer, verb, **form):
    """Press a button; return the upload's page, once its process has ended."""
    pressed = browser.post(f"{page_of(answer)}/{verb}", data=form)
    if pressed.status_code != 303:
        return pressed
    return settled(console, browser, page_of(answer))


def numbers(answer):
    """The numbers of a result, by their names."""
    found = re.findall(r"<dt>([^<]+)</dt><dd>([0-9,]+)</dd>", answer.text)
    return {name: int(number.replace(",", "")) for name, number in found}


def read_intakes(console):
    with console.site.ledger.read() as connection:
        return list(connection.execute(select(intakes)))


@pytest.fixture
def console(tmp_path, filled):
    with opened(tmp_path, filled, web_upload_max_bytes=1_000_000) as made:
        yield made


@pytest.fixture
def issuer(console):
    return console.browser("issuer")


def test_a_file_becomes_a_draft_with_its_sender_in_the_audit_log(console, issuer):
    content = '\ufeffPhone;Reward No;notes\n"919800000011";1001;"Diwali; für Asha"\n'.encode()
    seen = send(console, issuer, content, "frühling.csv")
    assert "frühling.csv" in seen.text
    assert "********011" in seen.text
    assert "919800000011" not in seen.text
    checked = press(console, issuer, seen, "check", campaign="spring")
    assert numbers(checked) == {"good": 1, "refused": 0, "rows of the file": 1}
    assert balance_of(console, "spring") is None, "a check accepts nothing"
    accepted = press(console, issuer, checked, "accept")
    assert numbers(accepted) == {
        "accepted": 1,
        "known before": 0,
        "refused": 0,
        "rows of the file": 1,
    }
    assert 'href="/campaigns/spring/plan"' in accepted.text
    campaign = find_campaign(console.site.ledger, "spring")
    assert (campaign.state, campaign.accepted_lines) == ("draft", 1)
    entries = read_audit_page(console.site.ledger, AuditFilter(campaign="spring"), limit=10).entries
    assert {(each.subject, each.way) for each in entries} == {("issuer", "web")}
    assert any("frühling.csv" in each.after for each in entries)
    plan = issuer.get("/campaigns/spring/plan")
    assert "********011" in plan.text


def balance_of(console, name):
    try:
        return balance(console.site.ledger, name)
    except Exception:  # noqa: BLE001  # there is no such campaign
        return None


def test_the_file_is_private_and_goes_when_its_rows_are_accepted(console, issuer):
    seen = send(console, issuer, GOOD)
    made = folder(console, page_of(seen).rpartition("/")[2])
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in made.iterdir()} == {0o600}
    assert (made / "rows").read_bytes() == GOOD
    checked = press(console, issuer, seen, "check", campaign="spring")
    press(console, issuer, checked, "accept")
    assert not any("98000000" in each.read_text(errors="replace") for each in made.iterdir())


def test_a_workbook_is_read_by_the_chosen_sheet(console, issuer, tmp_path):
    rows = [["mobile", "rewardId"], ["919800000011", 1001]]
    book = write_workbook(tmp_path / "book.xlsx", {"Notes": [["hello"], ["x"]], "Customers": rows})
    seen = send(console, issuer, book.read_bytes(), "book.xlsx")
    assert "The name is not known" in seen.text
    other = press(console, issuer, seen, "read", sheet="Customers")
    checked = press(console, issuer, other, "check", campaign="spring")
    assert numbers(checked)["good"] == 1
    assert "--sheet Customers" in checked.text
    assert numbers(press(console, issuer, checked, "accept"))["accepted"] == 1


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "the file is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (b'[{"mobile": "919800000011"}]', "the file is JSON"),
        (b"<html><table>", "HTML or XML"),
        (b"\x89PNG\r\n\x1a\n", "not text"),
        (b"919800000011,1001\n919800000012,1001\n", "looks like data"),
        (b"PK\x03\x04broken", "the workbook is damaged"),
    ],
)
def test_what_is_no_table_is_refused_with_the_cause_and_not_kept(console, issuer, content, cause):
    seen = send(console, issuer, content, "file.bin")
    assert cause in seen.text
    assert "not kept" in seen.text
    assert not (folder(console, page_of(seen).rpartition("/")[2]) / "rows").exists()
    assert "919800000011" not in seen.text


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_large_names_the_setting_and_leaves_nothing(console, issuer, announced):
    content = b"mobile,rewardId\n" + b"919800000011,1001\n" * 60_000
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + content
    pieces = body if announced else (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    answer = issuer.post("/uploads", content=pieces, headers=MULTIPART)
    assert answer.status_code == 413
    assert "ISSUANCE_WEB_UPLOAD_MAX_BYTES" in answer.text
    assert not folder(console).exists() or not any(folder(console).iterdir())


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nmobile',
            "middle",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--x--',
            "empty",
        ),
        (b"nothing like it", "no form"),
    ],
)
def test_an_upload_that_does_not_come_whole_leaves_nothing(console, issuer, body, cause):
    answer = issuer.post("/uploads", content=body, headers=MULTIPART)
    assert answer.status_code == 409
    assert cause in answer.text
    assert not any(folder(console).iterdir())


@pytest.mark.parametrize(
    ("header", "form", "problem"),
    [
        ("name,rewardId", {"column-0": "-"}, "no column names the customer"),
        ("mobile,place", {"column-1": "-"}, "no column names the reward"),
        ("mobile,place,rewardId", {}, "The name is not known"),
        ("mobile,id,rewardId", {}, "externalId or rewardId"),
        ("mobile,phone,rewardId", {}, "is read as mobile too"),
        ("mobile,rewardId", {"quantity": "many"}, "is no whole number"),
        ("mobile,rewardId", {"campaign": ""}, "Name the campaign"),
        ("mobile,rewardId", {"window": "always"}, "always"),
        ("mobile,rewardId", {"rate": "9999999"}, "rate 9999999"),
        ("mobile,rewardId", {"campaign": "diwali"}, "cannot be a draft again"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(console, issuer, header, form, problem):
    row = ",".join("919800000011" if name == "mobile" else "1001" for name in header.split(","))
    seen = send(console, issuer, f"{header}\n{row}\n".encode())
    answer = press(console, issuer, seen, "check", **({"campaign": "spring", "rate": "7"} | form))
    assert problem in answer.text
    assert f'name="rate" type="number" value="{form.get("rate", "7")}"' in answer.text
    assert "Save as draft" not in answer.text


def test_a_problem_is_shown_at_its_column(console, issuer):
    seen = send(console, issuer, b"mobile,city,rewardId\n919800000011,Pune,1001\n")
    assert re.search(r'name="column-1" aria-invalid="true" aria-describedby="problem-1"', seen.text)
    assert "Pune" not in seen.text, "what is not known may be a customer's"
    checked = press(
        console, issuer, seen, "check", **{"campaign": "spring", "column-1": "customFields.city"}
    )
    assert numbers(checked)["good"] == 1
    assert "--map city=customFields.city" in checked.text


def test_bad_rows_cost_no_other_rows_and_can_be_downloaded(console, issuer):
    rows = [f"91970000{number:04},1001" for number in range(200)]
    rows[3] = "12,1001"
    rows[5] = "919700000005,none"
    rows[7] = rows[6]
    seen = send(console, issuer, "\n".join(["mobile,rewardId", *rows]).encode())
    checked = press(console, issuer, seen, "check", campaign="spring")
    assert numbers(checked) == {"good": 197, "refused": 3, "rows of the file": 200}
    assert "3 of 3" in checked.text
    accepted = press(console, issuer, checked, "accept")
    assert numbers(accepted)["accepted"] == 197
    file = issuer.get(f"{page_of(seen)}/refused.csv")
    assert file.headers["content-disposition"] == 'attachment; filename="refused-rows.csv"'
    lines = file.content.decode("utf-8-sig").splitlines()
    assert file.content.startswith(b"\xef\xbb\xbf")
    assert [line.split(",")[:2] for line in lines] == [
        *(["line", "field"], ["5", "mobile"], ["7", "rewardId"], ["9", ""])
    ]
    assert not re.search(r"9197\d{8}", accepted.text + file.text)


def test_of_many_refused_rows_the_page_shows_the_first_of_all(console, issuer):
    rows = "".join(f"{number},1001\n" for number in range(300))
    seen = send(console, issuer, f"mobile,rewardId\n{rows}919800000011,1001\n".encode())
    checked = press(console, issuer, seen, "check", campaign="spring")
    assert "50 of 300" in checked.text
    assert checked.text.count("<tr><td") == 50
    assert len(issuer.get(f"{page_of(seen)}/refused.csv").text.splitlines()) == 301


def test_of_a_file_without_a_good_row_no_campaign_is_made(console, issuer):
    content = b"mobile,rewardId\n919800000011,1001\n"
    for _ in range(2):  # the second time its row is known
        seen = send(console, issuer, content)
        checked = press(console, issuer, seen, "check", campaign="spring")
        accepted = press(console, issuer, checked, "accept")
    assert numbers(accepted)["known before"] == 1
    seen = send(console, issuer, b"mobile,rewardId\n12,1001\n")
    checked = press(console, issuer, seen, "check", campaign="summer")
    assert "Save as draft" not in checked.text
    accepted = press(console, issuer, checked, "accept")
    assert "no campaign was made" in accepted.text
    assert balance_of(console, "summer") is None


def test_prices_give_the_check_and_the_plan_their_points(console, issuer):
    prices = b'[{"rewardId": 1001, "points": 10}, {"rewardId": 1002, "points": 5}]'
    seen = send(console, issuer, GOOD, rewards=("rewards.json", prices))
    checked = press(console, issuer, seen, "check", campaign="spring")
    assert numbers(checked)["expected points"] == 20
    press(console, issuer, checked, "accept")
    plan = issuer.get("/campaigns/spring/plan").text
    assert "not known" not in plan
    wrong = send(console, issuer, GOOD, rewards=("rewards.json", b"{}"))
    assert "the rewards file" in wrong.text


def test_options_reach_the_campaign_and_the_command_says_them(console, issuer):
    seen = send(console, issuer, b"mobile\n919800000011\n919800000011\n", "a b.csv")
    checked = press(
        console,
        issuer,
        seen,
        "check",
        campaign="big sale",
        reward_id="1001",
        allow_repeats="on",
        window="mon-fri 09:00-17:00",
        timezone="Asia/Kolkata",
        budget_units="100",
    )
    assert numbers(checked)["good"] == 2
    command = re.search(r'<code class="command">(issuance blast [^<]+)</code>', checked.text)[1]
    assert command == (
        "issuance blast &#39;a b.csv&#39; --campaign &#39;big sale&#39; --draft --reward-id 1001 "
        "--allow-repeats --window &#39;mon-fri 09:00-17:00&#39; --timezone Asia/Kolkata "
        "--budget-units 100"
    )
    press(console, issuer, checked, "accept")
    plan = issuer.get(f"/campaigns/{quote('big sale')}/plan").text
    assert "mon-fri 09:00-17:00" in plan
    assert "<dd>100</dd>" in plan


def test_another_persons_upload_is_not_there(console, issuer):
    seen = send(console, issuer, GOOD)
    admin = console.browser("admin")
    page = page_of(seen)
    for answer in (
        admin.get(page),
        admin.get(f"{page}/refused.csv"),
        *(admin.post(f"{page}/{verb}") for verb in ("read", "check", "accept", "remove")),
    ):
        assert answer.status_code == 404
        assert "customers.csv" not in answer.text
    assert page not in admin.get("/uploads").text
    assert page in issuer.get("/uploads").text
    assert issuer.get("/uploads/../../ledger.db").status_code == 404


def test_a_second_press_sends_nothing_twice(console, issuer):
    seen = send(console, issuer, GOOD)
    checked = press(console, issuer, seen, "check", campaign="spring")
    others = [console.browser("issuer") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        pressed = list(pool.map(lambda each: each.post(f"{page_of(seen)}/accept"), others))
    assert {each.status_code for each in pressed} == {303}
    accepted = settled(console, issuer, page_of(checked))
    again = press(console, issuer, accepted, "accept")
    assert numbers(again)["accepted"] == 2
    assert len([each for each in read_intakes(console) if each.source == "customers.csv"]) == 1


def test_a_press_waits_for_a_process_that_has_its_result_and_has_not_ended(console, issuer):
    seen = send(console, issuer, GOOD)
    checked = press(console, issuer, seen, "check", campaign="spring")
    lock = find_in(folder(console, page_of(seen).rpartition("/")[2])).claim()
    with ThreadPoolExecutor(1) as pool:
        pressed = pool.submit(press, console, issuer, checked, "accept")
        try:
            with pytest.raises(TimeoutError):
                pressed.result(timeout=0.5)
        finally:
            os.close(lock)
        assert numbers(pressed.result())["accepted"] == 2


def test_an_unchecked_file_is_not_accepted(console, issuer):
    seen = send(console, issuer, GOOD)
    answer = issuer.post(f"{page_of(seen)}/accept")
    assert answer.status_code == 409
    assert read_intakes(console) == []


def test_what_was_interrupted_is_said_and_continued_without_repeats(console, issuer):
    rows = "".join(f"91980{number:07},1001\n" for number in range(5_010))
    seen = send(console, issuer, f"mobile,rewardId\n{rows}".encode())
    checked = press(console, issuer, seen, "check", campaign="spring")
    _accept_for_an_ended_console(console, page_of(checked).rpartition("/")[2])
    page = issuer.get(page_of(seen))
    assert "It was interrupted" in page.text
    assert "5,000 rows" in page.text
    assert find_campaign(console.site.ledger, "spring").accepted_lines == 5_000
    continued = press(console, issuer, page, "accept")
    assert numbers(continued) == {
        "accepted": 10,
        "known before": 5_000,
        "refused": 0,
        "rows of the file": 5_010,
    }


def _accept_for_an_ended_console(console, upload_id):
    """Accept as if the console ended after the first batch."""
    upload = find_in(folder(console, upload_id))
    services = console.site.services
    lock = upload.claim()
    state = upload.read()
    upload.write(replace(state, stage=Stage.ACCEPTING))
    subject = _subject(console, "issuer")
    job = Job(
        services.settings,
        services.servers,
        subject,
        upload,
        Task.ACCEPT,
        console=0,
        lock=PassedLock(lock),
    )
    process = get_context("spawn").Process(target=run, args=(job,))
    process.start()
    os.close(lock)
    process.join()


def _subject(console, person):
    """The subject of a person's session."""

    cookies = dict(console.browser(person).cookies)
    viewer = find_viewer(console.site, SimpleNamespace(cookies=cookies))
    assert isinstance(viewer, Viewer)
    return viewer.subject


def test_a_page_under_way_refreshes_and_loads_again_when_it_is_done(console, issuer):
    seen = send(console, issuer, GOOD)
    upload = find_in(folder(console, page_of(seen).rpartition("/")[2]))
    lock = upload.claim()
    state = upload.read()
    upload.write(replace(state, stage=Stage.CHECKING))
    busy = issuer.get(page_of(seen))
    assert 'sse-connect="/live"' in busy.text
    assert "The rows are being checked" in issuer.get(f"{page_of(seen)}?part=live").text
    assert issuer.post(f"{page_of(seen)}/remove").status_code == 409
    os.close(lock)
    assert issuer.get(f"{page_of(seen)}?part=live").headers["hx-refresh"] == "true"
    assert "It was interrupted" in issuer.get(page_of(seen)).text


def test_an_abandoned_upload_goes_after_a_day_unless_it_is_worked_on(console, issuer):
    old, busy, new = (page_of(send(console, issuer, GOOD)).rpartition("/")[2] for _ in range(3))
    for each in (old, busy):
        made = folder(console, each)
        for path in (*made.iterdir(), made):
            os.utime(path, (0, 0))
    lock = find_in(folder(console, busy)).claim()
    with closing(os.fdopen(lock)):
        listed = issuer.get("/uploads")
        send(console, issuer, GOOD)
    assert old in listed.text, "a page only shows them"
    assert {each.name for each in folder(console).iterdir()} >= {busy, new}
    assert not folder(console, old).exists()


def test_a_person_has_a_bounded_number_of_uploads_and_can_remove_one(console, issuer, monkeypatch):
    monkeypatch.setattr("operations.uploads.store.MOST_UPLOADS", 1)
    seen = send(console, issuer, GOOD)
    refused = issuer.post("/uploads", files={"file": ("b.csv", GOOD)})
    assert (refused.status_code, "You have 1 uploads" in refused.text) == (409, True)
    assert issuer.post(f"{page_of(seen)}/remove").headers["location"] == "/uploads"
    assert not any(folder(console).iterdir())
    send(console, issuer, GOOD)


@pytest.mark.parametrize("role", Role)
def test_the_navigation_leads_there_for_people_who_may_blast(console, role):
    answer = console.browser(role.value).get("/")
    shown = 'href="/uploads"' in answer.text
    assert shown is (Right.BLAST in RIGHTS_OF[role])


def test_the_name_of_a_file_is_shown_as_text_without_its_folders(console, issuer):
    seen = send(console, issuer, GOOD, "C:\\tmp\\<b>x.csv")
    assert "<h1>&lt;b&gt;x.csv</h1>" in seen.text
