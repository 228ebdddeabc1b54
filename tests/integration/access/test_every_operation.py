"""Every operation asks for its right: each is called with each role, and with none."""

import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.endpoints import Servers
from config.settings import Settings
from issuance.errors import ExplainedError
from issuance.redrive.bulk import ActionKind
from ledger.audit_log import Operator
from ledger.campaigns import ensure_campaign
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.plans import make_plan
from ledger.store.database import Ledger
from operations.access.needs import NEEDS
from operations.access.roles import RIGHTS_OF, Role
from operations.access.subject import Grant, NotAllowedError, Subject
from operations.intake import prepare_campaign
from operations.services import Services
from tests.contract.ledger.build import TIMEOUT, issue, judge, make_job, refuse
from tests.contract.ledger.build import Desk as LedgerDesk
from tests.integration.access.operation_walk import (
    CAMPAIGN,
    Call,
    Desk,
    calls,
    modules,
    public_functions,
    reaches_the_system,
)

EXEMPT = {
    "operations.access.people.person_on_console": "it finds out who the subject is",
    "operations.access.people.grant_of_system_user": "it finds out what a subject may do",
    "operations.access.description.subject_json": "`whoami` is for everybody, also without a role",
    "operations.access.description.subject_lines": "as subject_json",
    "operations.closing.comparing.compare_lines": "a part of close, and called by nothing else",
    "operations.customers.page_json": "masks what an operation has read",
    "operations.restarts.newest_restarts": "for read_restarts, and for health",
    "operations.limits.account_limits": "finds what the operations of its module and metrics use",
    "operations.limits.chosen_accounts": "as account_limits",
    "operations.home.move_old_home": "a part of migrate, and called by nothing else",
    "operations.home.unconfigured_ledger": "says which file is used; it reads the settings only",
    "operations.revocation_pace.revocation_pace": "paces the calls of revoke_all",
    "operations.budgets.read_budgets": "for read_status",
    "operations.stops.read_stopped": "for read_status, and for health, as in operations.health",
    "operations.people.external.external_subject": "it finds out what a subject may do",
    "operations.people.local.local_subject": "as external_subject",
    "operations.time_zones.zone_of": "reads the settings only",
    "operations.uploads.store.remove_abandoned": "removes what has not been used for a day",
    "operations.wake_up.wake_release": "asks for the release that beat asks for each second",
}
"""Functions that take what an operation takes, without being one, and why."""
EXEMPT_PACKAGES = {
    "operations.health.": "for check_health, and for the process `health`, which orchestrators ask "
    "without a subject",
    "operations.people.login.": "a person without a session has no subject yet",
    "operations.metrics.": "for the process `health`, which monitors ask without a subject",
    "operations.process_reports.": "workers write them, and read_status reads them",
}
"""Packages of such functions; in them, too, a function that takes a subject declares its right."""
CHANGING = {
    *(f"operations.campaigns.{name}" for name in ("pause", "resume", "cancel", "weigh")),
    "operations.campaign_life.set_settings",
    "operations.intake.store_points",
    *(f"operations.redrives.{name}" for name in ("plan_redrive", "plan_discard", "begin_action")),
    "operations.customers.erase_customer",
    *("operations.copies.back_up", "operations.copies.mark_restored"),
    *("operations.intake.prepare_campaign", "operations.revocation.revoke_reward"),
    "operations.bulk_revocation.revoke_all",
    *("producers.people.accept_file", "producers.people.issue_rewards"),
}
"""Operations of which the effect shows here, when they are allowed."""
NO_ROLE = None
_CALLS = calls()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A ledger with an issued line, dead letters and a waiting line; the first one's requestId."""
    path = tmp_path_factory.mktemp("filled") / "ledger.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.migrate()
        desk = LedgerDesk(ledger, ensure_campaign(ledger, CAMPAIGN))
        held, job = desk.take_one(make_job(1))
        desk.record(held, judge(job, issue(job)))
        desk.settle(make_job(2), refuse())  # can be reissued
        desk.settle(make_job(3), TIMEOUT)  # can be resent
        desk.accept(make_job(4))
        make_plan(ledger, DeadLetterFilter(), ActionKind.RESEND, Operator("ann"))
        return path, job.lines[0].request_id


@pytest.fixture
def desk(tmp_path: Path, filled: tuple[Path, str]) -> Iterator[Desk]:
    template, request_id = filled
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    url = f"sqlite:///{shutil.copy(template, home / 'ledger.db')}"
    folder = tmp_path / "folder"
    folder.mkdir()
    # No server listens on port 9: an operation that is allowed tries, and fails at once.
    api = "http://127.0.0.1:9"
    services = Services(Settings(home=home, api_url=api), Servers(url, "", "", api, 0))
    with Ledger(url) as ledger:
        yield Desk(services, ledger, folder, request_id)
    services.close()


def subject_with(role: Role | None) -> Subject:
    roles = frozenset() if role is None else frozenset({role})
    return Subject(Operator("ann", uid=1004), Grant(roles, "SOURCE", "REMEDY"))


def _is_allowed(role: Role | None, call: Call) -> bool:
    return role is not None and call.rights <= RIGHTS_OF[role]


def _state(desk: Desk) -> tuple[list[str], list[tuple[str, int]]]:
    """All rows of the ledger, and all files."""
    with desk.ledger.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        rows = list(driver.iterdump())
    parents = (desk.folder, desk.services.settings.home)
    files = [
        (str(path), path.stat().st_size)
        for parent in parents
        for path in sorted(parent.rglob("*"))
        if not path.name.endswith(("-wal", "-shm"))
    ]
    return rows, files


def _call(desk: Desk, call: Call, role: Role | None) -> None:
    arguments = desk.arguments(call)
    result = call.function(subject_with(role), **arguments)
    if isinstance(result, Iterator):
        list(result)


@pytest.mark.parametrize("role", [*Role, NO_ROLE], ids=lambda role: role or "no role")
@pytest.mark.parametrize("call", _CALLS, ids=str)
def test_an_operation_is_allowed_or_refused_before_any_effect(desk, call, role):
    desk.file()
    before = _state(desk)
    if _is_allowed(role, call):
        try:
            _call(desk, call, role)
        except NotAllowedError:
            raise
        except (ExplainedError, ValueError):
            pass  # the check has passed; without Redis or an API some can do nothing
        assert call.name not in CHANGING or _state(desk) != before
        return
    with pytest.raises(NotAllowedError, match="REMEDY"):
        _call(desk, call, role)
    after = _state(desk)
    assert after == before


def test_every_function_that_can_act_declares_its_right_or_is_exempt():
    found = {
        name: inspect.signature(function).parameters
        for module in modules()
        for name, function in public_functions(module)
        if reaches_the_system(function)
    }
    undeclared = [
        name
        for name in sorted(found.keys() - NEEDS.keys() - EXEMPT.keys())
        if "subject" in found[name] or not name.startswith(tuple(EXEMPT_PACKAGES))
    ]
    assert undeclared == [], (
        "declare the right of each with @needs, or say in EXEMPT why it needs none"
    )
    assert sorted(EXEMPT.keys() - found.keys()) == [], "these exemptions are for nothing"
    assert sorted(EXEMPT.keys() & NEEDS.keys()) == []


def test_a_function_without_a_right_would_be_found():
    def act(ledger: Ledger) -> None: ...

    assert reaches_the_system(act)


def test_an_option_with_a_right_of_its_own_can_only_be_given_by_name():
    functions = {name: each for module in modules() for name, each in public_functions(module)}
    for name, need in NEEDS.items():
        for option in need.options if name in functions else ():
            parameter = inspect.signature(functions[name]).parameters[option]
            assert parameter.kind is parameter.KEYWORD_ONLY, f"{name}: {option}"


def test_the_weight_of_a_campaign_that_exists_is_not_the_issuers_to_change(desk):
    issuer = subject_with(Role.ISSUER)
    before = _state(desk)
    with pytest.raises(NotAllowedError, match="may not change weights"):
        prepare_campaign(issuer, desk.ledger, CAMPAIGN, "default", defer_limits=False, weight=9)
    assert _state(desk) == before
    made = prepare_campaign(issuer, desk.ledger, "new", "default", defer_limits=False, weight=9)
    assert made.weight_set
    assert made.weight_before is None
