"""The plan of a campaign: what it would issue, what to look at before it starts, and its digest."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from issuance.approval_policy import ApprovalPolicy
from issuance.customer import Customer
from issuance.details.points import points_number
from issuance.masking import mask_customer
from issuance.reward_key import describe_reward
from issuance.states import NOT_STARTED, CampaignState
from ledger.plans.contents import PlannedFile
from ledger.plans.plan import CampaignPlan, Contents, read_version
from ledger.plans.plan import read_plan as read_ledger_plan
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.forecast.outlook import Ends, ends_json
from operations.forecast.plan import forecast_plan
from operations.formats import counted, iso
from operations.next_step import next_step
from operations.services import Services


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with what a person should look at."""

    plan: CampaignPlan
    warnings: list[str]
    excess: str
    """Why a second person must approve; "": one person is enough."""
    todo: str
    """What is to be done next, and by whom; "" once it has started."""
    ends: Ends | None
    """When it would end if it started at its start time, or now; None: unknown."""

    @property
    def contents(self) -> Contents:
        """What it would issue."""
        return self.plan.contents

    @property
    def refused(self) -> int:
        """The rows that were refused when each file was last read."""
        return sum(file.refused for file in self.plan.files)

    @property
    def sample(self) -> list[tuple[int, str, str, int]]:
        """Some lines: row of the file, masked customer, reward, quantity."""
        return [
            (
                each.source_line,
                mask_customer(Customer.parse(each.customer)),
                describe_reward(each.key),
                each.quantity,
            )
            for each in self.plan.sample
        ]


class PlanVersion(NamedTuple):
    """What a plan is made from: a change gives another version."""

    lines: int
    """Accepted lines: more of them take longer to read."""
    state: CampaignState
    content: str


@needs(Right.VIEW)
def read_plan_version(subject: Subject, ledger: Ledger, name: str) -> PlanVersion:
    """Read what a campaign's plan is made from, at a cost that does not grow with its lines.

    Raises:
        CampaignError: there is no such campaign.
    """
    campaign, stamp, approval = read_version(ledger, name)
    # The lines of a campaign that has started change all the time: its plan is of a past moment.
    content = (campaign, stamp, approval) if campaign.state in NOT_STARTED else (campaign.id,)
    return PlanVersion(campaign.accepted_lines, campaign.state, repr(content))


@needs(Right.VIEW)
def read_plan(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    name: str,
    *,
    points: Mapping[str, int] | None = None,
) -> Plan:
    """Read a campaign's plan; changes nothing.

    Args:
        subject: asks for it.
        services: knows the approval policy.
        ledger: the record.
        name: the campaign's name.
        points: expected points of one unit in thousandths, by the reward's key: for this plan, in
            place of the campaign's own.

    Raises:
        CampaignError: there is no such campaign.
    """
    plan = read_ledger_plan(ledger, name)
    stored = plan.contents.stamp.points
    plan = _priced(plan, points or {})
    contents, policy = plan.contents, services.settings.approval_policy
    return Plan(
        plan,
        [*_warnings(plan, policy), *_other_prices(contents, stored)],
        policy.excess(contents.units, contents.points),
        next_step(contents.campaign, plan.approval, contents.settings.start_at),
        forecast_plan(subject, services, ledger, contents.campaign.name),
    )


def _priced(plan: CampaignPlan, points: Mapping[str, int]) -> CampaignPlan:
    rewards = [
        replace(each, points_each=points.get(each.key, each.points_each))
        for each in plan.contents.rewards
    ]
    return replace(plan, contents=replace(plan.contents, rewards=rewards))


def _other_prices(contents: Contents, stored: Mapping[str, int | None]) -> list[str]:
    changed = [each.key for each in contents.rewards if stored.get(each.key) != each.points_each]
    if not changed:
        return []
    return [
        (
            f"the points of {_named(changed)} are those of this file, not the campaign's, which "
            "the digest binds: issuance campaign set NAME --rewards FILE stores them"
        )
    ]


def _warnings(plan: CampaignPlan, policy: ApprovalPolicy) -> list[str]:
    contents = plan.contents
    found = [text for file in plan.files for text in _file_warnings(file)]
    if not contents.lines:
        found.append("it has no lines: there is nothing to issue")
    unknown = [each.key for each in contents.rewards if each.points_each is None]
    if unknown and (policy.points is not None or contents.settings.budget_points is not None):
        found.append(
            f"the points of {_named(unknown)} are not known: give --rewards FILE to `issuance "
            "campaign set`"
        )
    found += [
        f"{counted(each.customers, 'customer')} of it got, or will get, the same reward in "
        f"{each.campaign}"
        for each in plan.overlaps
    ]
    return found + (_setting_warnings(contents) if _is_ahead(contents) else [])


def _is_ahead(contents: Contents) -> bool:
    return contents.campaign.state in NOT_STARTED


def _file_warnings(file: PlannedFile) -> list[str]:
    found = []
    if file.refused:
        found.append(f"{counted(file.refused, 'refused row')} in {file.source}")
    if file.warned:
        found.append(f"{counted(file.warned, 'row')} with warnings in {file.source}")
    if not file.is_complete:
        found.append(f"{file.source} was not read to its end: accept it again")
    return found


def _setting_warnings(contents: Contents) -> list[str]:
    settings, found = contents.settings, []
    units, points = settings.budget_units, settings.budget_points
    if units is not None and units < contents.units:
        found.append(f"budget-units {units:,} is less than the {contents.units:,} units asked for")
    if points is not None and contents.points is not None and points < contents.points:
        found.append(
            f"budget-points {points_number(points):,} is less than the "
            f"{points_number(contents.points):,} points expected"
        )
    if settings.canary is not None and settings.canary >= contents.lines > 0:
        found.append(f"canary {settings.canary:,} is the whole campaign: it has no more lines")
    if settings.stop_loss == "off":
        found.append("stop-loss is off: refused rewards do not stop it")
    return found


def _named(keys: list[str]) -> str:
    shown = ", ".join(map(describe_reward, keys[:_SHOWN]))
    return f"{shown} and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else shown


_SHOWN = 5


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for programs."""
    contents, approval = plan.contents, plan.plan.approval
    return {
        "campaign": contents.campaign.name,
        "state": contents.campaign.state,
        "digest": contents.digest,
        "lines": contents.lines,
        "units": contents.units,
        "rewards": [
            {
                "rewardId": None if each.reward_id is None else str(each.reward_id),
                "rewardExternalId": each.external_id,
                "lines": each.lines,
                "units": each.units,
                "points": _points(each.points),
            }
            for each in contents.rewards
        ],
        "expectedPoints": _points(contents.points),
        "refused": plan.refused,
        "warnings": plan.warnings,
        "overlaps": [
            {"campaign": each.campaign, "customers": each.customers} for each in plan.plan.overlaps
        ],
        "settings": contents.settings.described(),
        "approval": None
        if approval is None
        else {
            "digest": approval.digest,
            "submittedAt": iso(approval.submitted_at),
            "submittedBy": approval.submitted_by,
            "submitNote": approval.submit_note,
            "decision": approval.decision,
            "decidedAt": iso(approval.decided_at),
            "decidedBy": approval.decided_by,
            "note": approval.note,
        },
        "ends": ends_json(plan.ends),
        "needsApproval": plan.excess or None,
        "next": plan.todo or None,
    }


def _points(thousandths: int | None) -> int | float | None:
    return None if thousandths is None else points_number(thousandths)
