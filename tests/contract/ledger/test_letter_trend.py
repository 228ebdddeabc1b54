"""When the open letters of a group were opened, by hour."""

from sqlalchemy import select, update

from ledger.dead_letters.trend import HOURS, opened_by_hour
from ledger.store.clock import now_ms
from ledger.store.schema import dead_letters as letters
from tests.contract.ledger.build import make_job, refuse

_HOUR_MS = 3_600_000


def _letters(ledger):
    with ledger.read() as connection:
        return list(connection.execute(select(letters.c.id, letters.c.group_id)))


def _age(ledger, letter, hours):
    with ledger.write() as connection:
        aged = update(letters).where(letters.c.id == letter)
        connection.execute(aged.values(opened_at=now_ms() - int(hours * _HOUR_MS)))


def test_open_letters_are_counted_by_group_and_hour(ledger, desk):
    for number in (1, 2, 3):
        desk.settle(make_job(number), refuse())
    desk.settle(make_job(4), refuse(message="another cause"))
    (_, group), (second, _), (third, _), (_, other) = _letters(ledger)
    _age(ledger, second, 5)
    _age(ledger, third, 30)  # of another day
    found = opened_by_hour(ledger, [group, other])
    hours = [hour.letters for hour in found[group]]
    assert len(hours) == HOURS
    assert (hours[-1], hours[-6], sum(hours)) == (1, 1, 2)
    assert sum(hour.letters for hour in found[other]) == 1
    begins = [hour.begin for hour in found[group]]
    assert begins == sorted(begins)


def test_letters_that_are_not_open_are_left_out(ledger, desk):
    desk.settle(make_job(1), refuse())
    ((letter, group),) = _letters(ledger)
    with ledger.write() as connection:
        discarded = update(letters).where(letters.c.id == letter)
        connection.execute(discarded.values(state="discarded"))
    assert sum(hour.letters for hour in opened_by_hour(ledger, [group])[group]) == 0


def test_without_groups_there_is_nothing(ledger):
    assert opened_by_hour(ledger, []) == {}
