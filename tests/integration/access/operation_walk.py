"""Finds the operations, the functions that should be ones, and arguments to call them with."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from types import ModuleType
from typing import Any

import operations
import producers.people
import producers.uploads.start
from issuance.campaign_settings import GivenSettings
from issuance.customer import Customer
from issuance.redrive.bulk import Act as BulkAct
from issuance.states import State
from ledger.campaigns import Campaign, find_campaign, list_campaigns
from ledger.closing.verification import Mode
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.queries.audit_entries import AuditFilter
from ledger.queries.balance import Balance, balance
from ledger.revocation_plans import plan_revocations
from ledger.store.database import Ledger
from operations.access.needs import NEEDS, Need
from operations.access.roles import Right
from operations.approvals import Which
from operations.bulk_revocation import Progress
from operations.health.runner import Component
from operations.intake import Prepared
from operations.series.calls import SeriesCache
from operations.services import Services
from producers.fields.line import CallFields, Identifiers, Reward
from producers.freezing import Freezer
from producers.preparing import BlastOptions
from producers.source import ErrorsFile, ReadOptions, Source
from producers.uploads.work import Task
from tests.contract.ledger.build import make_job

CAMPAIGN = "diwali"
_REACHING = ("Ledger", "Services", "Settings", "ApiAccount")
"""What a function can read or change the system with, by the name of the parameter's type."""


def modules() -> list[ModuleType]:
    """Every module whose public functions must be operations or exempt."""
    found = (each.name for each in pkgutil.walk_packages(operations.__path__, "operations."))
    # Tracing needs an extra, and only measures what processes and services do.
    names = [name for name in found if not name.startswith("operations.tracing")]
    ways_in = (producers.people, producers.uploads.start)
    return [*map(importlib.import_module, names), *ways_in]


def public_functions(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions that a module defines, by their whole names."""
    for name, value in vars(module).items():
        is_public = inspect.isfunction(value) and not name.startswith("_")
        if is_public and value.__module__ == module.__name__:
            yield f"{module.__name__}.{name}", value


def reaches_the_system(function: Callable[..., Any]) -> bool:
    """Whether it takes what it can act with, or a subject on whose behalf it acts."""
    parameters = inspect.signature(function).parameters.values()
    return any(
        parameter.name == "subject" or any(name in str(parameter.annotation) for name in _REACHING)
        for parameter in parameters
    )


_VALUES: dict[str, Any] = {
    **dict.fromkeys(("name", "campaign", "campaign_name"), CAMPAIGN),
    **dict.fromkeys(("state", "limit", "key", "country", "grant_to", "form", "head"), None),
    **dict.fromkeys(("dry_run", "defer_limits", "other_secret", "here", "recounted"), False),
    "account": "default",
    "states": [],
    "by": [],
    "zone": UTC,
    "note": "ticket 42",
    "user": "ann",
    "password": "correct horse battery",
    "roles": ["viewer"],
    "disabled": True,
    "letter": 1,
    "plan_id": 1,
    "upload_id": "0" * 32,
    "task": Task.CHECK,
    "order": None,
    "action_id": 1,
    "act": BulkAct.PAUSE,
    "page": 1,
    "weight": 7,
    "digest": "0" * 64,
    "points": {"1001": 1_000},
    "per_minute": 600,
    "days": 1,
    "per_second": 0.0,
    "by_org": True,
    "wanted": [Component.LEDGER],
    "on_batch": lambda _: None,
    "identifiers": Identifiers(mobile="919800000099"),
    "rewards": [Reward(reward_id=1001)],
    "call": CallFields(),
    "balances": [],
    "limits": (),
    "works": True,
    "content": b"a file",
}
"""Arguments by the parameter's name."""


@dataclass(frozen=True)
class Call:
    """One way to call an operation: with none of its options that need a further right, or one."""

    name: str
    function: Callable[..., Any]
    option: str
    rights: frozenset[Right]

    def __str__(self) -> str:
        return self.name.partition(".")[2] + (f"[{self.option}]" if self.option else "")


def calls() -> list[Call]:
    """Every way to call every operation."""
    functions = {name: each for module in modules() for name, each in public_functions(module)}
    found = []
    for name, need in sorted(NEEDS.items()):
        if name in functions:  # tests declare some of their own
            found += list(_calls_of(name, functions[name], need))
    return found


def _calls_of(name: str, function: Callable[..., Any], need: Need) -> Iterator[Call]:
    yield Call(name, function, "", frozenset({need.right}))
    for option, right in need.options.items():
        yield Call(name, function, option, frozenset({need.right, right}))


@dataclass(frozen=True)
class Desk:
    """What operations are called with: a ledger with work and dead letters, and a folder."""

    services: Services
    ledger: Ledger
    folder: Path
    request_id: str

    def arguments(self, call: Call) -> dict[str, Any]:
        """Arguments with which the operation would have an effect."""
        parameters = list(inspect.signature(call.function).parameters.values())[1:]
        return {
            each.name: each.name == call.option
            if each.name in NEEDS[call.name].options
            else self._argument(call, each)
            for each in parameters
        }

    def _argument(self, call: Call, parameter: inspect.Parameter) -> Any:
        by_name = _VALUES | {
            **dict.fromkeys(("request_id", "text"), self.request_id),
            "file": self.folder / "made",
            "archive": self.folder / "archive.gz",
        }
        by_type: dict[type, Callable[[], Any]] = {
            Services: lambda: self.services,
            Ledger: lambda: self.ledger,
            Campaign: lambda: find_campaign(self.ledger, CAMPAIGN),
            Balance: lambda: balance(self.ledger, CAMPAIGN),
            AuditFilter: AuditFilter,
            GivenSettings: lambda: GivenSettings(rate=60),
            Prepared: lambda: Prepared(
                find_campaign(self.ledger, CAMPAIGN),
                weight_before=None,
                weight_set=False,
                is_new=True,
            ),
            # Of whom every line is settled.
            Customer: lambda: make_job(1).customer,
            DeadLetterFilter: DeadLetterFilter,
            Freezer: lambda: Freezer.of(self.services.accounts.get(), max_lines=1, max_quantity=10),
            Source: lambda: Source(self.file(), ReadOptions()),
            ErrorsFile: lambda: ErrorsFile(self.folder / "errors.csv"),
            BlastOptions: BlastOptions,
            SeriesCache: SeriesCache,
            Mode: lambda: Mode.NONE,
            Which: lambda: Which.WAITING,
        }
        annotation = parameter.annotation
        of_call: dict[tuple[str, str], Callable[[], Any]] = {
            ("operations.revocation.revoke_reward", "account"): self.services.api_account,
            ("operations.approvals.list_approvals", "limit"): lambda: 10,
            ("operations.dead_letters.read_trend", "groups"): lambda: [1],
            ("operations.outcomes.page_outcomes", "state"): lambda: State.FAILED,
            ("operations.outcomes.page_outcomes", "after"): lambda: (0, -1),
            ("operations.outcomes.page_outcomes", "limit"): lambda: 10,
            ("operations.bulk_revocation.revoke_all", "plan"): lambda: plan_revocations(
                self.ledger, CAMPAIGN
            ),
            ("operations.bulk_revocation.revoke_all", "progress"): lambda: Progress(1),
            ("operations.bulk_revocation.revoke_all", "filters"): dict,
            ("operations.bulk_revocation.plan_bulk", "rewards"): tuple,
            ("operations.customers.show_customer", "limit"): lambda: 10,
            ("operations.audit.list_entries", "limit"): lambda: 10,
            ("operations.history.read_history", "limit"): lambda: 10,
            ("operations.next_step.next_steps", "found"): lambda: list_campaigns(self.ledger),
            # One that exists would ask for the right to change weights, too.
            ("operations.intake.prepare_campaign", "name"): lambda: "new",
        }
        if (call.name, parameter.name) in of_call:
            return of_call[call.name, parameter.name]()
        if annotation in by_type:
            return by_type[annotation]()
        if parameter.name in by_name:
            return by_name[parameter.name]
        if parameter.default is not inspect.Parameter.empty:
            return parameter.default
        raise AssertionError(
            f"{call.name}: give its parameter {parameter.name} ({annotation}) a value in "
            "operation_walk.py with which it has an effect"
        )

    def file(self) -> Path:
        """A campaign's file with one row."""
        path = self.folder / "rows.csv"
        path.write_text("mobile,rewardId\n919800000098,1001\n", encoding="utf-8")
        return path
