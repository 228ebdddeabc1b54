"""The stamp of people differs after each change that decides who is logged in."""

from sqlalchemy import update

from ledger.people.sessions import Person, begin_session, end_session
from ledger.people.stamp import read_people_stamp
from ledger.people.users import add_user, change_user
from ledger.store.schema import web_sessions
from tests.contract.ledger.build import OPERATOR


def test_it_has_the_sessions_that_last(desk):
    kept, ended, old = (begin_session(desk.ledger, Person(name, "user")) for name in "abc")
    end_session(desk.ledger, ended)
    with desk.ledger.write() as connection:
        of_c = update(web_sessions).where(web_sessions.c.subject == "c")
        connection.execute(of_c.values(expires_at=1))
    stamp = read_people_stamp(desk.ledger)
    assert [stamp.has_session(token) for token in (kept, ended, old)] == [True, False, False]


def test_it_changes_with_the_roles_of_a_user_and_when_one_is_disabled(desk):
    stamps = [read_people_stamp(desk.ledger)]
    add_user(desk.ledger, "ann", "no password", ["viewer"], OPERATOR)
    stamps.append(read_people_stamp(desk.ledger))
    for change in ({"roles": ["admin"]}, {"disabled": True}):
        change_user(desk.ledger, "ann", OPERATOR, verb="change user", **change)
        stamps.append(read_people_stamp(desk.ledger))
    assert len({stamp.users for stamp in stamps}) == len(stamps)
