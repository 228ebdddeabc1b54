"""`issuance report` writes the report of a closed campaign, and verifies a file later."""

import json
import stat
from hashlib import sha256

import pytest

from ledger.audit_log import actions_on, campaign_target
from ledger.closing.closing import close_campaign
from ledger.closing.verification import Mode, begin_comparison
from ledger.retention.pruning import prune
from tests.contract.ledger.build import OPERATOR, issue, judge, make_job, make_jobs


@pytest.fixture
def closed(desk):
    desk.accept(*make_jobs(3, campaign="spring"))
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    comparison = begin_comparison(desk.ledger, "spring", Mode.NONE, OPERATOR)
    close_campaign(desk.ledger, comparison, OPERATOR)
    return desk


def test_three_files_are_written_with_their_digests(run, closed, tmp_path):
    names = ("--out", "r.html", "--json", "r.json", "--csv", "r.csv")
    result = run("report", "spring", *names)
    assert (result.exit_code, result.stderr) == (0, "")
    for name in names[1::2]:
        path = tmp_path / name
        digest = sha256(path.read_bytes()).hexdigest()
        assert f"{digest}  {name}" in result.stdout
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert run("report", "verify", name).exit_code == 0
    assert "issuance report verify r.html" in result.stdout
    entries = actions_on(closed.ledger, campaign_target("spring"))
    assert [each.after.partition(",")[0] for each in entries if each.verb == "report"] == [
        *("html", "json", "csv")
    ]
    stated = run("campaign", "statement", "spring", "--json").stdout
    assert json.loads((tmp_path / "r.json").read_bytes())["statement"] == json.loads(stated)


def test_options_may_come_first_and_the_whole_command_too(run, closed, tmp_path):
    assert run("report", "--out", "a.html", "spring").exit_code == 0
    assert run("report", "make", "spring", "--out", "b.html").exit_code == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_verify_says_who_made_it_and_that_it_is_the_same(run, closed):
    run("report", "spring", "--out", "r.html")
    result = run("report", "verify", "r.html")
    assert result.exit_code == 0
    assert "r.html: report of spring, made 20" in result.stdout
    assert "The ledger gives the same bytes today." in result.stdout


def test_a_changed_file_is_unknown(run, closed, tmp_path):
    run("report", "spring", "--out", "r.html")
    page = tmp_path / "r.html"
    page.write_bytes(page.read_bytes().replace(b"units issued", b"units  issued"))
    result = run("report", "verify", "r.html")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "r.html: no report of this ledger" in result.stderr


def test_a_file_that_the_ledger_would_not_give_again_has_a_status_of_its_own(run, closed):
    run("report", "spring", "--out", "r.html")
    assert sum(page.lines for page in prune(closed.ledger, older_than_seconds=-1)) == 2
    result = run("report", "verify", "r.html")
    assert result.exit_code == 3
    assert "r.html: report of spring" in result.stdout
    assert "The ledger gives other bytes today: jobs were pruned" in result.stderr


def test_a_campaign_that_is_not_closed_is_refused_and_nothing_is_written(run, desk, tmp_path):
    desk.accept(make_job(1, campaign="spring"))
    result = run("report", "spring", "--out", "r.html")
    assert result.exit_code == 2
    assert "issuance campaign close spring" in result.stderr
    assert not (tmp_path / "r.html").exists()
    assert run("report", "absent", "--out", "r.html").exit_code == 2


def test_a_file_that_cannot_be_read_or_written_is_named(run, closed):
    missing = run("report", "verify", "absent.html")
    assert (missing.exit_code, "absent.html" in missing.stderr) == (2, True)
    assert run("report", "spring", "--out", "absent/r.html").exit_code == 2


def test_the_words_report_alone_show_the_help_and_no_other_command(run):
    result = run("report")
    assert "restore" not in result.stdout + result.stderr
    assert "verify" in result.stdout + result.stderr
