"""A campaign's plan and digest: the same on each database, and another one after any change."""

import pytest
from sqlalchemy import update

from issuance.campaign_settings import GivenSettings
from issuance.states import State
from ledger.campaign_changes import set_campaign
from ledger.campaigns import ensure_campaign, find_campaign, weigh_campaign
from ledger.intake.acceptance import close_intake, open_intake
from ledger.plans.overlaps import Overlap
from ledger.plans.plan import read_contents, read_plan
from ledger.store.schema import jobs, lines
from tests.contract.ledger.build import OPERATOR, Desk, issue, judge, make_job, make_jobs, refuse


@pytest.fixture
def draft(ledger):
    return Desk(ledger, ensure_campaign(ledger, "diwali", is_draft=True))


def contents(desk):
    with desk.ledger.read() as connection:
        return read_contents(connection, find_campaign(desk.ledger, desk.campaign.name))


def digest(desk):
    return contents(desk).digest


def put(desk, points=None, **given):
    return set_campaign(
        desk.ledger, "diwali", GivenSettings(**given), OPERATOR, zone="UTC", points=points
    )


def test_lines_units_and_points_are_counted_by_reward(draft):
    draft.accept(*make_jobs(3, rewards=(1001,), quantity=2))
    draft.accept(*make_jobs(2, first=4, rewards=(1001, 1002)))
    put(draft, points={"1001": 2_500})
    found = contents(draft)
    assert [(each.key, each.lines, each.units, each.points) for each in found.rewards] == [
        ("1001", 5, 8, 20_000),
        ("1002", 2, 2, None),
    ]
    assert (found.lines, found.units, found.points) == (7, 10, None)
    put(draft, points={"1002": 0})
    assert contents(draft).points == 20_000


def test_an_empty_campaign_has_a_plan(draft):
    found = read_plan(draft.ledger, "diwali")
    assert (found.contents.lines, found.contents.points, found.sample, found.overlaps) == (
        0,
        0,
        [],
        [],
    )
    assert len(found.contents.digest) == 64


def test_the_digest_is_known_and_the_same_on_each_database(draft):
    draft.accept(*make_jobs(5, quantity=2))
    draft.accept(make_job(9, rewards=(1001, 1002)))
    known = "bbff6010bacdbb9001daf764586b0f8561cff73edb32dcc19559b2339a453158"
    assert digest(draft) == known


def test_reading_again_and_accepting_known_rows_keep_the_digest(draft):
    draft.accept(*make_jobs(3))
    before = digest(draft)
    assert len(draft.accept(*make_jobs(3)).known) == 3
    assert digest(draft) == before
    draft.another("holi").accept(*make_jobs(3, campaign="holi"))
    assert digest(draft) == before


def test_jobs_of_others_between_its_own_are_no_part_of_it(draft):
    other = draft.another("holi")
    draft.accept(make_job(1))
    other.accept(make_job(1, campaign="holi"))
    draft.accept(make_job(2))
    found = contents(draft)
    assert found.lines == 2
    before = found.digest
    other.accept(make_job(2, campaign="holi"))
    assert digest(draft) == before


CHANGES = {
    "a row": lambda desk: desk.accept(make_job(7)),
    "start-at": lambda desk: put(desk, start_at="2030-01-01 09:00"),
    "window": lambda desk: put(desk, window="mon-sat 09:00-21:00"),
    "timezone": lambda desk: put(desk, timezone="Asia/Kolkata"),
    "rate": lambda desk: put(desk, rate=60),
    "canary": lambda desk: put(desk, canary=2),
    "stop-loss": lambda desk: put(desk, stop_loss="default"),
    "budget-units": lambda desk: put(desk, budget_units=10),
    "budget-points": lambda desk: put(desk, points={"1001": 0}, budget_points="10"),
    "weight": lambda desk: put(desk, weight=3),
    "the weight command": lambda desk: weigh_campaign(desk.ledger, "diwali", 3, OPERATOR),
    "points": lambda desk: put(desk, points={"1001": 1}),
    "a body": lambda desk: write(desk, jobs, body=b"{}"),
    "a withdrawn row": lambda desk: withdraw(desk, State.REPLACED),
    "a cancelled row": lambda desk: withdraw(desk, State.CANCELLED),
}


def write(desk, table, **values):
    with desk.ledger.write() as connection:
        connection.execute(update(table).values(**values))


def withdraw(desk, state):
    write(desk, jobs, state=state, open_lines=0)
    write(desk, lines, state=state)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_change_gives_another_digest(draft, change):
    draft.accept(make_job(1))
    before = digest(draft)
    change(draft)
    assert digest(draft) != before


@pytest.mark.parametrize(
    "other",
    [
        make_job(1, quantity=2),
        make_job(1, notes="vip"),
        make_job(2),
        make_job(1, rewards=(1002,)),
        make_job(1, occurrence=2),
    ],
    ids=["quantity", "field", "customer", "reward", "occurrence"],
)
def test_any_other_row_gives_another_digest(ledger, other):
    digests = []
    for row in (make_job(1), other):
        # One campaign name, two ledgers' worth: the first one's rows are withdrawn.
        desk = Desk(ledger, ensure_campaign(ledger, "diwali", is_draft=True))
        with ledger.write() as connection:
            connection.execute(jobs.delete())
            connection.execute(lines.delete())
        desk.accept(row)
        digests.append(digest(desk))
    assert digests[0] != digests[1]


def test_the_order_of_the_rows_counts(ledger):
    digests = []
    for order in ((1, 2), (2, 1)):
        desk = Desk(ledger, ensure_campaign(ledger, "diwali", is_draft=True))
        with ledger.write() as connection:
            connection.execute(jobs.delete())
            connection.execute(lines.delete())
        for number in order:
            desk.accept(make_job(number))
        digests.append(digest(desk))
    assert digests[0] != digests[1]


def test_more_jobs_than_a_block_are_digested_in_order(draft, monkeypatch):
    for module in ("sqlite", "postgresql"):
        monkeypatch.setattr(f"ledger.store.dialects.{module}.BLOCK_JOBS", 2)
    draft.accept(*make_jobs(5))
    with draft.ledger.read() as connection:
        blocks = list(draft.ledger.dialect.block_digests(connection, draft.campaign.id, 1, 10))
        assert len(blocks) == 3
        again = list(draft.ledger.dialect.block_digests(connection, draft.campaign.id, 1, 4))
    assert again[:2] == blocks[:2]


def test_customers_with_the_same_reward_elsewhere_overlap(draft):
    holi, old = draft.another("holi"), draft.another("old")
    draft.accept(*make_jobs(4), make_job(5, rewards=(1001, 1002)))
    holi.accept(*make_jobs(2, campaign="holi"))
    holi.accept(make_job(5, campaign="holi", rewards=(1001, 1002)))
    old.accept(make_job(4, campaign="old"), make_job(3, campaign="old", rewards=(1003,)))
    assert read_plan(draft.ledger, "diwali").overlaps == [Overlap("holi", 3), Overlap("old", 1)]
    assert read_plan(draft.ledger, "old").overlaps == [Overlap("diwali", 1)]


def test_who_was_refused_elsewhere_does_not_overlap(desk):
    desk.settle(make_job(1), refuse())
    held, claimed = desk.take_one(make_job(2))
    desk.record(held, judge(claimed, issue(claimed)))
    holi = Desk(desk.ledger, ensure_campaign(desk.ledger, "holi", is_draft=True))
    holi.accept(*make_jobs(2, campaign="holi"))
    assert read_plan(desk.ledger, "holi").overlaps == [Overlap("diwali", 1)]


def test_files_are_listed_once_as_they_were_last_read(draft):
    for refused, warned in ((3, 0), (1, 2)):
        number = open_intake(draft.ledger, draft.campaign, "one.csv", OPERATOR)
        close_intake(draft.ledger, number, accepted=1, known=0, refused=refused, warned=warned)
    open_intake(draft.ledger, draft.campaign, "two.csv", OPERATOR)
    found = read_plan(draft.ledger, "diwali").files
    assert [(each.source, each.refused, each.warned, each.is_complete) for each in found] == [
        ("one.csv", 1, 2, True),
        ("two.csv", 0, 0, False),
    ]


def test_the_sample_is_spread_over_the_campaign(draft):
    draft.accept(*make_jobs(10))
    found = read_plan(draft.ledger, "diwali").sample
    assert [each.source_line for each in found] == [2, 4, 6, 8, 10]
    assert {(each.key, each.quantity) for each in found} == {("1001", 1)}
