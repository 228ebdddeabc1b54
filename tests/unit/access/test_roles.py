"""The roles' rights are those that are documented, and a refusal says what to do."""

from pathlib import Path

import pytest

from ledger.audit_log import Operator
from operations.access.needs import needs
from operations.access.roles import RIGHTS_OF, Right, Role, roles_with
from operations.access.subject import Grant, NotAllowedError, Subject

_HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "give-people-roles.md"


def subject_with(*roles: Role) -> Subject:
    return Subject(Operator("ann", uid=1004), Grant(frozenset(roles), "SOURCE", "REMEDY"))


def _documented() -> dict[str, set[str]]:
    """The table of the how-to: the roles of each right."""
    lines = _HOW_TO.read_text(encoding="utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| ")
    ]
    head = next(row for row in rows if row[0] == "right")
    table = rows[rows.index(head) + 2 :]
    return {
        row[0].strip("`"): {role for role, cell in zip(head[2:], row[2:], strict=True) if cell}
        for row in table
    }


def test_the_documented_table_is_the_one_in_use():
    in_use = {right.value: {role.value for role in roles_with(right)} for right in Right}
    assert _documented() == in_use


def test_each_role_has_rights_and_each_right_a_role():
    assert set(RIGHTS_OF) == set(Role)
    assert set().union(*RIGHTS_OF.values()) == set(Right)


def test_only_a_revealer_reveals():
    assert roles_with(Right.REVEAL) == [Role.REVEALER]
    assert not subject_with(*(set(Role) - {Role.REVEALER})).may(Right.REVEAL)
    assert subject_with(Role.REVEALER).rights == [Right.REVEAL]


def test_roles_add_up():
    both = subject_with(Role.ISSUER, Role.APPROVER)
    assert both.rights == [
        Right.VIEW, Right.BLAST, Right.ISSUE, Right.SET_CAMPAIGN, Right.SUBMIT, Right.APPROVE,
        Right.CLOSE, Right.REVOKE,
    ]  # fmt: skip
    assert both.roles == [Role.ISSUER, Role.APPROVER]


def test_a_refusal_names_subject_right_roles_and_remedy():
    with pytest.raises(NotAllowedError) as caught:
        subject_with(Role.VIEWER).require(Right.PAUSE)
    assert str(caught.value) == (
        "ann may not pause: that needs the role operator or admin, and ann has viewer (SOURCE). "
        "REMEDY"
    )


def test_without_a_role_everything_is_refused():
    stranger = subject_with()
    assert stranger.rights == []
    with pytest.raises(NotAllowedError, match="ann has no role and may do nothing"):
        stranger.require_a_role()
    subject_with(Role.REVEALER).require_a_role()


def test_the_audit_log_gets_the_identity_with_the_reason():
    assert subject_with(Role.ADMIN).acting("ticket 42") == Operator("ann", "ticket 42", uid=1004)


def test_an_operation_is_refused_before_it_begins():
    calls: list[str] = []

    @needs(Right.PAUSE, clear=Right.REVEAL)
    def act(subject: Subject, what: str, *, clear: bool = False) -> str:
        calls.append(what)
        return what

    with pytest.raises(NotAllowedError):
        act(subject_with(Role.VIEWER), "one")
    with pytest.raises(NotAllowedError, match="may not reveal"):
        act(subject_with(Role.OPERATOR), "two", clear=True)
    assert calls == []
    assert act(subject_with(Role.OPERATOR), "three") == "three"
    assert act(subject_with(Role.OPERATOR, Role.REVEALER), "four", clear=True) == "four"
    assert calls == ["three", "four"]


def test_a_subject_that_is_named_is_checked_too():
    @needs(Right.PAUSE)
    def act(subject: Subject) -> None:
        raise AssertionError

    with pytest.raises(TypeError):
        act(subject=subject_with(Role.VIEWER))  # type: ignore[call-arg]


def test_an_iterator_is_refused_when_it_is_asked_for():
    @needs(Right.VIEW)
    def numbers(subject: Subject):
        yield 1

    with pytest.raises(NotAllowedError):
        numbers(subject_with())
