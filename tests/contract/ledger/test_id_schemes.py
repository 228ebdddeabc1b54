"""Campaigns keep their derivation of requestIds: unkeyed ones from before 0013, and keyed ones."""

import threading
import uuid

import pytest
from alembic import command
from sqlalchemy import select, text, update

from issuance.derived_keys import Purpose
from issuance.endpoint import Variant
from issuance.redrive.rules import Verb
from issuance.request_id import CampaignIds, IdScheme
from ledger.campaign_ids import campaign_ids
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.queries.balance import balance
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import Lock
from ledger.store.migration import configuration
from ledger.store.schema import campaigns, lines, secrets
from ledger.store.secret import SecretError
from producers.blast import blast
from producers.freezing import Freezer
from producers.preparing import BlastOptions
from producers.source import ErrorsFile, ReadOptions, Source
from tests.contract.ledger.build import Desk, judge, make_job, refuse
from tests.postgres import postgres_database

_BEFORE = "0012"
_ROWS = 5
_FIRST_ID = "db139397-9e85-581b-b57f-d02460e2cf15"
"""As version 0012 derived it for the first customer of `spring` and reward 1001."""
_FREEZER = Freezer(Variant.BULK, "DEMO", "email", None, max_lines=10)


@pytest.fixture
def read(tmp_path):
    """Read a file of customers into a campaign; returns the report."""

    def read(ledger, campaign, count=_ROWS, options=None):
        path = tmp_path / "spring.csv"
        mobiles = [f"91980000{number:04}" for number in range(1, count + 1)]
        path.write_text("mobile,rewardId\n" + "".join(f"{each},1001\n" for each in mobiles))
        with ErrorsFile(tmp_path / "errors.csv") as errors:
            return blast(
                ledger,
                ensure_campaign(ledger, campaign),
                Source(path, ReadOptions()),
                _FREEZER,
                errors,
                options=options,
                on_batch=lambda _: None,
            )

    return read


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """Make an empty ledger of the schema before 0013."""
    if request.param == "sqlite":
        with Ledger(f"sqlite:///{tmp_path / 'old.db'}") as ledger:
            yield _upgraded(ledger)
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url, Ledger(url) as ledger:
        yield _upgraded(ledger)


def _upgraded(ledger):
    with ledger.write() as connection:
        command.upgrade(configuration(connection), _BEFORE)
    return ledger


def _fill(old, job):
    """Write the campaign `spring` with a file's job as the version before 0013 did: in SQL."""
    with old.write() as connection:
        connection.execute(
            text(
                "INSERT INTO campaigns (id, name, state, defers_limits, accepted_lines, created_at)"
                " SELECT 1, 'spring', 'running', :no, 0, 1"
                " WHERE NOT EXISTS (SELECT 1 FROM campaigns)"
            ),
            {"no": False},
        )
        numbers = old.dialect.next_job_numbers(connection, 1)
        values = {
            "number": numbers[0],
            "id": job.id,
            "customer": str(job.customer),
            "body": job.body,
            "row": job.source_line,
            "no": False,
        }
        connection.execute(
            text(
                "INSERT INTO jobs (number, id, campaign_id, source_line, lane, customer, variant, "
                "body, occurrence, generation, state, open_lines, due_at, claims, attempts, "
                "budget_attempts, may_have_reached, limit_deferrals, redrives, accepted_at) "
                "VALUES (:number, :id, 1, :row, 'blast', :customer, 'bulk', :body, 1, 1, "
                "'waiting', 1, 1, 0, 0, 0, :no, 0, 0, 1)"
            ),
            values,
        )
        connection.execute(
            text(
                "INSERT INTO lines (job_number, position, request_id, campaign_id, reward_id, "
                "state, requested_quantity) VALUES (:number, 0, :id, 1, 1001, 'waiting', 1)"
            ),
            values,
        )
        connection.execute(text("UPDATE campaigns SET accepted_lines = accepted_lines + 1"))


def _request_ids(ledger, campaign):
    query = (
        select(lines.c.request_id)
        .join(campaigns, campaigns.c.id == lines.c.campaign_id)
        .where(campaigns.c.name == campaign)
        .order_by(lines.c.job_number, lines.c.position)
    )
    with ledger.read() as connection:
        return list(connection.scalars(query))


def _make_unkeyed(ledger, name):
    """Make a campaign as the migration leaves those of earlier versions."""
    ensure_campaign(ledger, name)
    with ledger.write() as connection:
        connection.execute(
            update(campaigns).where(campaigns.c.name == name).values(id_scheme=IdScheme.UNKEYED)
        )
    return find_campaign(ledger, name)


def test_a_file_of_before_the_migration_adds_nothing_when_it_is_read_again(old, read):
    for number in range(1, _ROWS + 1):
        _fill(old, make_job(number, campaign="spring"))
    old.migrate()
    old.check_schema()
    before = _request_ids(old, "spring")
    assert before[0] == _FIRST_ID
    report = read(old, "spring")
    assert (report.known, report.accepted, report.refused) == (_ROWS, 0, 0)
    assert read(old, "spring", _ROWS + 2).accepted == 2
    assert _request_ids(old, "spring")[:_ROWS] == before
    assert {uuid.UUID(each).version for each in _request_ids(old, "spring")} == {5}
    assert balance(old, "spring").balanced


def test_a_new_campaign_is_keyed_and_its_file_adds_nothing_when_it_is_read_again(ledger, read):
    assert read(ledger, "spring").accepted == _ROWS
    assert find_campaign(ledger, "spring").id_scheme is IdScheme.KEYED
    report = read(ledger, "spring")
    assert (report.known, report.accepted, report.refused) == (_ROWS, 0, 0)
    assert {uuid.UUID(each).version for each in _request_ids(ledger, "spring")} == {8}


def test_an_attacker_who_knows_all_but_the_key_finds_no_customer(ledger, read):
    read(ledger, "spring")
    known = set(_request_ids(ledger, "spring"))
    guessed = {
        CampaignIds("spring", key).derive(make_job(number).customer, 1001)
        for number in range(1, _ROWS + 1)
        for key in (None, bytes(32), ledger.key(Purpose.CUSTOMERS), ledger.key(Purpose.CHUNKS))
    }
    assert known.isdisjoint(guessed)
    key = ledger.key(Purpose.REQUEST_IDS)
    assert CampaignIds("spring", key).derive(make_job(1).customer, 1001) in known


def test_an_old_and_a_new_campaign_side_by_side_each_keep_their_derivation(ledger, read):
    _make_unkeyed(ledger, "old")
    for name in ("old", "new", "old", "new"):
        read(ledger, name)
    assert [len(_request_ids(ledger, name)) for name in ("old", "new")] == [_ROWS, _ROWS]
    assert {uuid.UUID(each).version for each in _request_ids(ledger, "old")} == {5}
    assert {uuid.UUID(each).version for each in _request_ids(ledger, "new")} == {8}


def test_grouped_rows_and_repeats_of_a_keyed_campaign_are_known_again(ledger, read):
    options = BlastOptions(group_by_customer=True, allow_repeats=True)
    assert read(ledger, "spring", options=options).accepted == _ROWS
    assert read(ledger, "spring", options=options).known == _ROWS


@pytest.mark.parametrize("scheme", IdScheme)
def test_a_reissue_derives_as_its_campaign_does(ledger, scheme):
    desk = Desk(ledger, ensure_campaign(ledger, "diwali"))
    if scheme is IdScheme.UNKEYED:
        desk = Desk(ledger, _make_unkeyed(ledger, "diwali"))
    ids = campaign_ids(ledger, desk.campaign)
    job = make_job(ids=ids)
    desk.settle(job, refuse())
    for generation in (2, 3):
        desk.redrive(Verb.REISSUE)
        held, again = desk.take_one()
        assert again.id == ids.derive(job.customer, 1001, generation=generation)
        desk.record(held, judge(again, refuse()))


def test_a_reissue_of_two_campaigns_in_one_batch_derives_for_each(ledger):
    old = Desk(ledger, _make_unkeyed(ledger, "old"))
    new = Desk(ledger, ensure_campaign(ledger, "new"))
    expected = set()
    for desk in (old, new):
        ids = campaign_ids(ledger, desk.campaign)
        job = make_job(campaign=desk.campaign.name, ids=ids)
        desk.settle(job, refuse())
        expected.add(ids.derive(job.customer, 1001, generation=2))
    assert set(old.redrive(Verb.REISSUE).reissued.values()) == expected


def test_a_process_whose_secret_was_replaced_makes_no_campaign_and_reads_no_file(ledger, read):
    ensure_campaign(ledger, "before")
    own = ledger.keys  # as a process that runs since before the replacement
    with ledger.write() as connection:
        kept = connection.execute(select(secrets)).one()
        connection.execute(update(secrets).values(fingerprint="0" * 32))
    try:
        assert ledger.keys is own
        with pytest.raises(SecretError, match="start it again"):
            ensure_campaign(ledger, "spring")
        with pytest.raises(SecretError, match="start it again"):
            read(ledger, "before")
        assert _request_ids(ledger, "before") == []
    finally:
        with ledger.write() as connection:
            connection.execute(update(secrets).values(**kept._asdict()))


def test_a_campaign_is_not_made_while_the_secret_is_being_replaced(postgres_ledger):
    made = threading.Event()

    def make():
        ensure_campaign(postgres_ledger, "meanwhile")
        made.set()

    _ = postgres_ledger.keys
    thread = threading.Thread(target=make)
    with postgres_ledger.write() as connection:
        postgres_ledger.dialect.lock(connection, Lock.MIGRATION)
        thread.start()
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while not connection.scalar(waiting):
            assert not made.is_set()
    thread.join(30)
    assert made.is_set()
    assert find_campaign(postgres_ledger, "meanwhile").id_scheme is IdScheme.KEYED
