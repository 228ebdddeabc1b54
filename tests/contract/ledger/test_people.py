"""Sessions and links of the web console's people, on every ledger."""

import pytest

from ledger.audit_log import Operator, actions_on
from ledger.people.sessions import (
    Person,
    begin_session,
    end_sessions,
    find_session,
    list_sessions,
    make_link,
    make_user_link,
    use_link,
)
from ledger.people.users import UserError, add_user, change_user

ADMIN = Operator("root")


@pytest.fixture
def people(ledger):
    add_user(ledger, "ann", "", ["viewer"], ADMIN)
    return ledger


def test_a_link_begins_the_session_of_its_person_once(people):
    for token, kind in (
        (make_user_link(people, "ann", ADMIN), "user"),
        (make_link(people, Person("ann", "system", 1004, ("ops", "dev"))), "system"),
    ):
        session = use_link(people, token)
        person = find_session(people, session)
        assert (person.name, person.kind) == ("ann", kind)
        assert use_link(people, token) is None
    assert person.groups == ("ops", "dev")


def test_only_a_user_who_may_log_in_gets_a_link(people):
    token = make_user_link(people, "ann", ADMIN)
    change_user(people, "ann", ADMIN, verb="user disable", disabled=True)
    assert use_link(people, token) is None
    for name in ("ann", "absent"):
        with pytest.raises(UserError):
            make_user_link(people, name, ADMIN)


def test_people_with_sessions_are_listed_and_ended_by_name(people):
    sessions = [begin_session(people, Person("ann", "user")) for _ in range(2)]
    sessions.append(begin_session(people, Person("ann", "oidc", groups=("ops",))))
    other = begin_session(people, Person("bo", "oidc"))
    listed, total = list_sessions(people, 10)
    found = {(each.name, each.kind): each.count for each in listed}
    assert found == {("ann", "user"): 2, ("ann", "oidc"): 1, ("bo", "oidc"): 1}
    assert total == 3
    assert len(list_sessions(people, 1)[0]) == 1
    assert end_sessions(people, "ann", ADMIN) == 3
    assert [find_session(people, each) for each in sessions] == [None] * 3
    assert find_session(people, other).name == "bo"
    assert actions_on(people, "user:ann")[-1].after == "3 sessions"
