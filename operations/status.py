"""The status of the whole system: campaigns, throughput, limits, and whether it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from broker.publisher import BrokerAway
from config.endpoints import RunningSystem
from config.env_file import env_file_in_use
from issuance.states import CampaignState
from ledger.budgets.usage import Usage
from ledger.queries.balance import (
    Balance,
    attempts_per_second,
    balance,
    balances,
    recount,
    recounts,
)
from ledger.queries.org_balance import OrgBalance, org_balances
from ledger.queries.overview import stopped_since
from ledger.store.clock import instant
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.budgets import budget_usage_json, read_budgets
from operations.campaigns import balance_json, org_json
from operations.forecast.outlook import Outlook, outlook_json
from operations.forecast.reader import read_outlooks
from operations.formats import iso
from operations.limits import Limits, known_limits, limits_json
from operations.next_step import next_steps
from operations.process_reports import (
    ProcessReport,
    SettingInUse,
    read_reports,
    report_json,
    settings_in_use,
)
from operations.restarts import ShownRestart, read_restarts, restart_json
from operations.services import Services
from operations.stops import Stopped, read_stopped, stops_json


@dataclass(frozen=True, slots=True)
class Status:
    """The system at one moment."""

    balances: list[Balance]
    attempts_per_second: float
    """Over the last 10 s, of all campaigns."""
    limits: tuple[Limits, ...]
    """Of each account; none without Redis or without an API."""
    running: bool
    where: str
    """Where it runs, or how to start it."""
    settings_file: str = ""
    """The `.env` that was read; "" if there is none."""
    orgs: dict[str, list[OrgBalance]] = field(default_factory=dict)
    """By campaign, if asked for."""
    since: dict[str, datetime] = field(default_factory=dict)
    """Since when each paused or cancelled campaign is so, by name."""
    stopped: dict[str, Stopped] = field(default_factory=dict)
    """By campaign, the stops that wait for an operator."""
    budgets: Mapping[str, Usage] = field(default_factory=dict)
    """What is used of the budgets, by campaign."""
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    """What each campaign has to go, when it ends, and what limits it, by name."""
    is_of_one: bool = False
    """Whether one campaign was asked for."""
    processes: tuple[ProcessReport, ...] = ()
    """What the running worker processes report."""
    todo: dict[str, str] = field(default_factory=dict)
    """What is to be done next with each campaign that has not started, by name."""
    restarts: tuple[ShownRestart, ...] | None = ()
    """Of the last day, the newest first; None: they cannot be read."""
    in_use: tuple[SettingInUse, ...] = ()
    """Their settings that differ from the defaults, from each other or from this process's."""


class Presence(NamedTuple):
    """Whether the system runs."""

    running: bool
    where: str
    """Where it runs, or how to start it."""


@needs(Right.VIEW)
def read_status(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    campaign: str | None,
    *,
    recounted: bool = False,
    by_org: bool = False,
    presence: Presence | None = None,
) -> Status:
    """Read the status.

    Args:
        subject: asks for it.
        services: what the status is read from.
        ledger: the record.
        campaign: its name; None: all.
        recounted: count every line, about a second for a few million.
        by_org: balance each organisation too.
        presence: whether the system runs; None: the worker processes are asked.

    Raises:
        CampaignError: there is no such campaign.
    """
    running, where = presence or find_presence(subject, services)
    limits = known_limits(subject, services, ledger)
    processes = read_reports(services)
    if campaign is None:
        found = recounts(ledger) if recounted else balances(ledger)
    else:
        found = [(recount if recounted else balance)(ledger, campaign)]
    return Status(
        balances=found,
        attempts_per_second=attempts_per_second(ledger),
        limits=limits,
        running=running,
        where=where,
        settings_file=str(env_file_in_use() or ""),
        orgs={
            each.campaign.name: org_balances(ledger, each.campaign, recounted=recounted)
            for each in found
        }
        if by_org
        else {},
        since=_since(ledger, found),
        stopped=read_stopped(ledger, [each.campaign.name for each in found]),
        budgets=read_budgets(ledger, [each.campaign.name for each in found]),
        todo=next_steps(subject, ledger, [each.campaign for each in found]),
        outlooks=read_outlooks(subject, services, ledger, found, limits, works=running),
        is_of_one=campaign is not None,
        processes=tuple(processes),
        restarts=read_restarts(subject, services, ledger),
        in_use=tuple(settings_in_use(processes, services)),
    )


def _since(ledger: Ledger, found: Sequence[Balance]) -> dict[str, datetime]:
    verbs = {CampaignState.PAUSED: "pause", CampaignState.CANCELLED: "cancel"}
    since: dict[str, int] = {}
    with ledger.read() as connection:
        for state, verb in verbs.items():
            names = [each.campaign.name for each in found if each.campaign.state is state]
            since |= stopped_since(connection, names, verb) if names else {}
    return {name: at for name, ms in since.items() if (at := instant(ms)) is not None}


@needs(Right.VIEW)
def find_presence(subject: Subject, services: Services) -> Presence:
    """Ask whether the system runs; takes half a second if a known worker does not answer."""
    found = RunningSystem.find(services.settings.home)
    if found is not None:
        flower = f", Flower at {found.flower_url}" if found.flower_url else ""
        return Presence(True, f"running here, process {found.pid}{flower}")
    if not services.servers.broker_url:
        return Presence(False, "not running: start it with `issuance up`")
    try:
        workers = services.answering_workers(expected=len(services.known_nodes()))
    except BrokerAway:
        return Presence(False, "the broker is out of reach: check ISSUANCE_BROKER_URL")
    if not workers:
        return Presence(
            False,
            "no worker answers: start the workers (`issuance run worker`, see the Procfile)",
        )
    count = len(workers)
    return Presence(True, f"{count} worker process{'es answer' if count > 1 else ' answers'}")


def status_json(status: Status, campaign: str | None) -> dict[str, Any]:
    """Return one object for programs: of `campaign`, or with a list of all campaigns."""
    shared = {
        "attemptsPerSecond": status.attempts_per_second,
        "limits": limits_json(status.limits[0]) if len(status.limits) == 1 else None,
        "accounts": list(map(limits_json, status.limits)),
        "systemRunning": status.running,
        "processes": list(map(report_json, status.processes)),
        "restarts": None if status.restarts is None else list(map(restart_json, status.restarts)),
        "settingsFile": status.settings_file or None,
    }
    objects = [balance_json(found) for found in status.balances]
    for found in objects:
        name = found["campaign"]
        found["stops"] = stops_json(status.stopped.get(name))
        found["budget"] = budget_usage_json(status.budgets.get(name))
        found["stateSince"] = iso(status.since.get(name))
        found["next"] = status.todo.get(name)
        found.update(outlook_json(status.outlooks.get(name, Outlook())))
        if name in status.orgs:
            found["organisations"] = [org_json(each) for each in status.orgs[name]]
    return ({"campaigns": objects} if campaign is None else objects[0]) | shared
