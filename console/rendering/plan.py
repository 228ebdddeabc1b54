"""A campaign's plan, for people."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from console.rendering.campaign_page import ends_text
from console.rendering.layout import aligned
from console.terminal import whole
from issuance.details.points import points_number
from issuance.reward_key import describe_reward
from issuance.states import CampaignState
from operations.formats import clock, counted
from operations.plan import Plan

_REWARD_HEADINGS = ("reward", "lines", "units", "points")
_SAMPLE_HEADINGS = ("row", "customer", "reward", "units")


def plan_lines(plan: Plan) -> Iterator[Text]:
    """The whole plan: contents, settings, warnings, sample, digest and what is to be done."""
    contents = plan.contents
    state = contents.campaign.state.replace("_", " ")
    units = counted(contents.units, "unit")
    points = _points(contents.points)
    yield Text(
        f"{contents.campaign.name}: {state}, {counted(contents.lines, 'line')}, {units}, "
        f"{points} expected"
    )
    yield from _rewards(plan)
    yield Text(f"settings {_settings(plan)}")
    if plan.ends:
        yield Text(f"ends     {ends_text(plan.ends, datetime.now(UTC))}")
    for warning in plan.warnings:
        yield Text(f"! {warning}", style="yellow")
    yield from _sample(plan)
    yield Text(f"digest   {contents.digest}")
    yield from map(Text, _approval(plan))
    if plan.todo:
        yield Text(f"next     {plan.todo}")
    if contents.campaign.state is CampaignState.AWAITING_APPROVAL:
        name = shlex.quote(contents.campaign.name)
        approve = f"issuance campaign approve {name} --digest {contents.digest}"
        yield Text(f"         {whole(approve)}")
        yield Text(f"         {whole(f'issuance campaign reject {name} --note WHY')}")


def _rewards(plan: Plan) -> Iterator[Text]:
    rewards = plan.contents.rewards
    if not rewards:
        return
    rows = [
        (
            describe_reward(each.key).removeprefix("reward "),
            f"{each.lines:,}",
            f"{each.units:,}",
            "not known" if each.points is None else f"{points_number(each.points):,}",
        )
        for each in rewards
    ]
    head, *lines = aligned([_REWARD_HEADINGS, *rows], right=(1, 2, 3))
    yield Text(f"  {head}", style="bold")
    yield from (Text(f"  {line}") for line in lines)


def _settings(plan: Plan) -> str:
    described = plan.contents.settings.described()
    found = [f"{name} {value}" for name, value in described.items() if value != "none"]
    return ", ".join(found)


def _sample(plan: Plan) -> Iterator[Text]:
    if not plan.sample:
        return
    rows = [
        (str(row) if row else "-", customer, reward.removeprefix("reward "), f"{quantity:,}")
        for row, customer, reward, quantity in plan.sample
    ]
    yield Text(f"sample   {len(rows)} of {counted(plan.contents.lines, 'line')}")
    yield from (Text(f"  {line}") for line in aligned([_SAMPLE_HEADINGS, *rows], right=(0, 3)))


def _approval(plan: Plan) -> Iterator[str]:
    approval = plan.plan.approval
    if plan.excess:
        yield f"approval a second person must approve: {plan.excess}"
    if approval is None:
        return
    note = f": {approval.submit_note}" if approval.submit_note else ""
    yield f"         submitted {clock(approval.submitted_at)} by {approval.submitted_by}{note}"
    if approval.decision is None:
        return
    by = f" by {approval.decided_by}" if approval.decided_by else ""
    note = f": {approval.note}" if approval.note else ""
    yield f"         {approval.decision}{by}{note}"


def _points(thousandths: int | None) -> str:
    if thousandths is None:
        return "points not known"
    return f"{points_number(thousandths):,} points"
