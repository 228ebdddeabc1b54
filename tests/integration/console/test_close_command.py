"""`issuance campaign close` compares with the simulated API, and `statement` shows the result."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
from pydantic import SecretStr

from issuance.outcome import Reason
from issuance.retry import Settle
from issuance.states import CampaignState, State
from ledger.audit_log import actions_on, campaign_target
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.closing.verification import Mode
from ledger.store.database import Ledger
from operations.access.people import person_on_console
from operations.closing import closing, comparing
from operations.services import Services
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from simulator.demo_catalogue import DEMO_WITHOUT_MAGIC
from simulator.serve import Simulator
from tests.contract.ledger.build import TIMEOUT, Desk, judge, make_job, make_jobs, refuse
from tests.postgres import postgres_database, postgres_server
from tests.valkey import valkey_server


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory) -> Iterator[str]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield f"{server.connection_url}/0"


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request, home, monkeypatch) -> Iterator[Ledger]:
    if request.param == "sqlite":
        with Ledger(f"sqlite:///{home / 'ledger.db'}", durable=False) as opened:
            yield opened
        return
    with (
        postgres_database(request.getfixturevalue("postgres_url")) as url,
        Ledger(url) as opened,
    ):
        opened.migrate()
        monkeypatch.setenv("ISSUANCE_LEDGER_URL", url)
        yield opened


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(DEMO_WITHOUT_MAGIC) as simulator:
        yield simulator


@pytest.fixture
def sim(running, redis_url, monkeypatch) -> Simulator:
    running.reset()
    running.switch(revoke_enable=True, revoked_read="unchanged", read_lag_seconds=0)
    monkeypatch.setenv("ISSUANCE_API_URL", running.url)
    monkeypatch.setenv("ISSUANCE_API_TILL", "demo.till")
    monkeypatch.setenv("ISSUANCE_API_PASSWORD", "demo")
    monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "0")
    monkeypatch.setenv("ISSUANCE_REDIS_URL", redis_url)
    return running


@pytest.fixture
def desk(ledger, sim) -> Desk:
    return Desk(ledger, ensure_campaign(ledger, "spring"))


def send(desk: Desk, sim: Simulator, *batch) -> list[str]:
    """Issue jobs at the simulated API, as a worker does; returns the transaction of each."""
    if batch:
        desk.accept(*batch)
    held = desk.take()

    async def call():
        account = ApiAccount(sim.url, "demo.till", password=SecretStr("demo"))
        async with RewardsClient(account) as client:
            return await asyncio.gather(*(client.issue(job.variant, job.body) for job in held.jobs))

    replies = asyncio.run(call())
    desk.record(held, *(judge(job, reply) for job, reply in zip(held.jobs, replies, strict=True)))
    return [desk.lines(job)[0].transaction_ids[0] for job in held.jobs]


def close(run, mode: str, *, note: str = "") -> object:
    more = ("--note", note) if note else ()
    return run("campaign", "close", "spring", "--verify", mode, *more)


def stated(run) -> dict:
    return json.loads(run("campaign", "statement", "spring", "--json").stdout)


def reads(sim: Simulator) -> int:
    return sim.summary()["readCalls"]


@pytest.mark.parametrize("mode", ["none", "sample", "all"])
def test_a_campaign_that_agrees_is_closed(run, desk, sim, mode):
    send(desk, sim, *make_jobs(8, campaign="spring", quantity=2), make_job(9, rewards=(1002, 1011)))
    result = close(run, mode)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("spring: closed.")
    found = stated(run)
    assert found["verification"].get("differing", 0) == 0
    assert found["totals"] == {"lines": 10, "units": 18, "points": "10"}
    assert find_campaign(desk.ledger, "spring").state is CampaignState.CLOSED


def test_the_bytes_of_the_statement_are_those_that_were_signed(run, desk, sim):
    send(desk, sim, *make_jobs(3, campaign="spring"))
    close(run, "all", note="budget 7")
    shown = run("campaign", "statement", "spring", "--json").stdout_bytes
    entry = actions_on(desk.ledger, campaign_target("spring"))[-1]
    assert (entry.verb, entry.reason) == ("close", "budget 7")
    assert sha256(shown).hexdigest() in entry.after
    assert run("campaign", "statement", "spring", "--json").stdout_bytes == shown


def test_a_job_with_one_issued_line_takes_two_reads(run, desk, sim):
    send(desk, sim, *make_jobs(5, campaign="spring"))
    before = reads(sim)
    close(run, "all")
    assert reads(sim) - before == 10


def plant_all(sim, transactions):
    """Plant one difference of each kind."""
    missing, other, unknown, revoked = map(int, transactions)
    sim.plant(missing, hidden=True)
    sim.plant(other, units=1)
    sim.plant(unknown, copies=1)
    sim.switch(revoked_read="cancelled")
    asyncio.run(revoke(sim, revoked))


async def revoke(sim, transaction):
    account = ApiAccount(sim.url, "demo.till", password=SecretStr("demo"))
    async with RewardsClient(account) as client:
        await client.revoke(transaction, "by hand", "asha")


def test_each_kind_of_difference_is_found_in_all(run, desk, sim):
    transactions = send(desk, sim, *make_jobs(60, campaign="spring", quantity=2))
    plant_all(sim, transactions[10:14])
    result = close(run, "all")
    assert result.exit_code == 1
    assert "spring: not closed. 4 lines differ." in result.stdout
    assert '--note "…"' in result.stderr
    assert find_campaign(desk.ledger, "spring").state is CampaignState.FINISHED
    again = close(run, "all", note="accepted by finance")
    assert (again.exit_code, "closed. 4 lines differ." in again.stdout) == (0, True)
    found = stated(run)
    kinds = {
        (each["kind"], each["ledgerUnits"], each["apiUnits"])
        for each in found["verification"]["findings"]
    }
    assert kinds == {
        ("missing", 2, 0),
        ("other_units", 2, 1),
        ("unknown_transaction", 0, 2),
        ("revoked_elsewhere", 2, 0),
    }
    text = run("campaign", "statement", "spring").stdout
    assert "4 lines differ." in text
    assert "accepted by finance" in text


def test_what_was_corrected_at_the_api_is_read_again_and_nothing_else(run, desk, sim):
    transactions = send(desk, sim, *make_jobs(30, campaign="spring"))
    sim.plant(int(transactions[4]), hidden=True)
    assert close(run, "all").exit_code == 1
    sim.plant(int(transactions[4]), hidden=False)
    before = reads(sim)
    assert close(run, "all").exit_code == 0
    assert reads(sim) - before == 2
    verification = stated(run)["verification"]
    assert (verification["compared"], verification["findings"]) == (30, [])


def test_reads_that_lag_are_no_finding(run, desk, sim, monkeypatch):
    """A transaction that only the second read shows agrees."""
    (transaction,) = send(desk, sim, make_job(1, campaign="spring"))
    sim.plant(int(transaction), hidden=True)
    original = comparing.record_compared

    def record(*arguments):
        sim.plant(int(transaction), hidden=False)
        return original(*arguments)

    monkeypatch.setattr(comparing, "record_compared", record)
    assert close(run, "all").exit_code == 0


def test_frequent_differences_are_found_in_a_sample(run, desk, sim):
    transactions = send(desk, sim, *make_jobs(600, campaign="spring"))
    transactions += send(desk, sim, *make_jobs(600, first=601, campaign="spring"))
    for transaction in transactions[::20]:
        sim.plant(int(transaction), hidden=True)
    result = close(run, "sample")
    assert result.exit_code == 1
    assert "of the sample differ: at 95 % confidence at most" in result.stdout
    assert "missing" in result.stdout
    close(run, "sample", note="known")
    found = stated(run)["verification"]
    assert 777 <= found["compared"] < 1_200
    assert 20 < found["differing"] < 60
    assert found["differing"] <= 60 <= found["mostDiffering"]


def test_a_crash_in_the_middle_continues_with_the_next_page(run, desk, sim, monkeypatch):
    transactions = send(desk, sim, *make_jobs(40, campaign="spring"))
    sim.plant(int(transactions[3]), hidden=True)
    monkeypatch.setattr(comparing, "PAGE_JOBS", 10)
    subject, services = _subject()

    class CrashError(Exception):
        pass

    def crash(comparison):
        if comparison.checked == 20:
            raise CrashError

    before = reads(sim)
    with pytest.raises(CrashError):
        closing.close(
            subject, services, desk.ledger, "spring", mode=Mode.ALL, note="", progress=crash
        )
    first, before = reads(sim) - before, reads(sim)
    result = close(run, "all", note="one is known to be missing")
    assert result.exit_code == 0
    # The hidden one needs a read of the customer, too; and it is read again at the end.
    assert first + reads(sim) - before == 2 * 40 + 1 + 3
    found = stated(run)
    assert (found["verification"]["compared"], found["verification"]["differing"]) == (40, 1)
    verbs = [act["verb"] for act in found["acts"]]
    assert verbs == ["verify", "verified"]


def _subject():
    services = Services.read()
    return person_on_console(services), services


def test_an_api_that_does_not_answer_ends_it_and_says_how_to_continue(run, desk, sim, monkeypatch):
    send(desk, sim, *make_jobs(3, campaign="spring"))
    monkeypatch.setenv("ISSUANCE_API_TIMEOUT_SECONDS", "1")
    sim.faults(accounts={"default": "503"})
    result = close(run, "all")
    assert result.exit_code == 69
    assert "HTTP 503" in result.stderr
    assert "it continues" in result.stderr
    sim.clear_faults()
    # A short time is for the API that does not answer; a busy machine needs the usual one.
    monkeypatch.delenv("ISSUANCE_API_TIMEOUT_SECONDS")
    assert close(run, "all").exit_code == 0


def test_a_failed_read_is_repeated(run, desk, sim):
    send(desk, sim, *make_jobs(3, campaign="spring"))
    sim.faults(next=[{"fault": "502_html", "count": 2, "path": "/issuals"}])
    assert close(run, "all").exit_code == 0


def test_the_account_has_its_rate(run, desk, sim, monkeypatch):
    send(desk, sim, *make_jobs(15, campaign="spring"))
    monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "1200")
    started = time.monotonic()
    assert close(run, "all").exit_code == 0
    # 30 reads, of which two thirds of a second's may come at once.
    assert time.monotonic() - started >= (30 - 14) / 20


def test_without_redis_only_a_closing_without_comparison_is_possible(run, desk, sim, monkeypatch):
    send(desk, sim, make_job(1, campaign="spring"))
    monkeypatch.delenv("ISSUANCE_REDIS_URL")
    result = close(run, "sample")
    assert (result.exit_code, "--verify none" in result.stderr) == (2, True)
    assert close(run, "none").exit_code == 0


def test_what_is_open_is_named_with_its_remedy(run, desk, sim):
    desk.settle(make_job(1, campaign="spring"), refuse())
    result = close(run, "none")
    assert result.exit_code == 2
    assert "dead letters that are open: 1" in result.stderr
    desk.accept(make_job(2, campaign="spring"))
    assert "not settled: 1" in close(run, "none").stderr


def test_a_line_in_doubt_that_the_api_issued_is_found(run, desk, sim):
    """Its reply was lost, and an operator discarded its dead letter."""
    desk.accept(make_job(1, campaign="spring"))
    held = desk.take()

    async def call():
        account = ApiAccount(sim.url, "demo.till", password=SecretStr("demo"))
        async with RewardsClient(account) as client:
            await client.issue(held.jobs[0].variant, held.jobs[0].body)

    asyncio.run(call())
    attempt = judge(held.jobs[0], TIMEOUT)
    desk.record(held, replace(attempt, decision=Settle(State.IN_DOUBT, Reason.IN_DOUBT)))
    desk.discard()
    assert close(run, "all").exit_code == 1


def test_a_closed_campaign_takes_no_rows(run, desk, sim, tmp_path):
    send(desk, sim, make_job(1, campaign="spring"))
    close(run, "none")
    path = tmp_path / "more.csv"
    path.write_text("mobile,rewardId\n919800000077,1001\n")
    result = run("blast", path, "--campaign", "spring")
    assert result.exit_code == 2
    assert "was closed: choose another name" in result.stderr


def test_the_text_fits_on_80_columns_even_with_long_names(run, desk, sim, monkeypatch):
    long = "a-campaign-with-a-very-long-name-" * 7
    other = Desk(desk.ledger, ensure_campaign(desk.ledger, long))
    send(other, sim, *make_jobs(3, campaign=long), make_job(9, campaign=long, rewards=(1002,)))
    last = other.line(make_job(9, campaign=long, rewards=(1002,)))
    sim.plant(int(last.transaction_ids[0]), units=0)
    note = "checked by finance, with a note that is longer than a line of the statement has room"
    assert run("campaign", "close", long, "--verify", "all", "--note", note).exit_code == 0
    shown = run("campaign", "statement", long).stdout
    assert max(map(len, shown.splitlines())) <= 80
    for words in ("Closing statement", "By reward", "1002", "SHA-256", "1 line differ"):
        assert words in shown


def test_a_statement_before_the_closing_is_refused_with_the_remedy(run, desk, sim):
    send(desk, sim, make_job(1, campaign="spring"))
    result = run("campaign", "statement", "spring")
    assert result.exit_code == 2
    assert "issuance campaign close spring" in result.stderr
