"""A bulk revocation's plan, progress and result for people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from console.rendering.layout import aligned
from console.rendering.progress import TimeLeft
from console.terminal import err
from issuance.details.points import as_points
from issuance.reward_key import describe_reward
from ledger.revocation_plans import REMEDIES, RevocationPlan
from operations.bulk_revocation import Progress
from operations.formats import counted, duration, one_line

_HELD = {
    "suspended": "the account is suspended",
    "campaign_suspended": "the campaign's calls are suspended",
}


def plan_lines(plan: RevocationPlan) -> Iterator[str]:
    """What would be revoked, what cannot be and why, and the digest."""
    total = plan.total
    if total.lines:
        yield (
            f"To be revoked: {counted(total.lines, 'reward')} of {plan.campaign.name}, "
            f"{counted(plan.customers, 'customer')}, {counted(plan.transactions, 'transaction')}"
        )
        rows = [
            (
                one_line(describe_reward(reward)),
                counted(of_reward.lines, "line"),
                counted(of_reward.units, "unit"),
                f"{as_points(of_reward.points)} points",
            )
            for reward, of_reward in sorted(plan.rewards.items())
        ]
        for row in aligned(rows, right=(1, 2, 3)):
            yield f"  {row}"
        unknown = (
            f", and of {counted(plan.points_unknown, 'reward')} no answer showed the points"
            if plan.points_unknown
            else ""
        )
        yield (
            f"  {counted(total.units, 'unit')} are taken back, {as_points(total.points)} points "
            f"are returned{unknown}"
        )
    else:
        yield f"Nothing of {plan.campaign.name} can be revoked."
    for obstacle, blocked in plan.blocked.items():
        yield (
            f"  cannot be revoked: {blocked.lines:,} {obstacle} (as {one_line(blocked.example)}): "
            f"{REMEDIES[obstacle]}"
        )
    if total.lines:
        yield f"  digest {plan.digest}"


def result_line(plan: RevocationPlan, progress: Progress) -> str:
    """`nine: 1,000 rewards revoked in 12 s`, with what was not revoked."""
    results = progress.results
    counts = (
        (results.not_revoked, "not revoked"),
        (results.in_doubt, "in doubt"),
        (results.refused, "refused"),
        (progress.left, "left"),
    )
    rest = "".join(f", {count:,} {what}" for count, what in counts if count)
    took = duration(progress.seconds)
    return f"{plan.campaign.name}: {counted(results.revoked, 'reward')} revoked in {took}{rest}"


@contextmanager
def revocation_progress(total: int) -> Iterator[Callable[[Progress], None]]:
    """Show a progress bar on a terminal; yields the function that updates it."""
    with Bar(
        TextColumn("{task.completed:>9,} of {task.total:,} rewards"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[failed]}{task.fields[held]} "),
        TimeLeft(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bar:
        task = bar.add_task("", total=total, failed="", held="")

        def show(progress: Progress) -> None:
            revoked = progress.results.revoked
            others = progress.total - progress.left - revoked
            failed = f"{others:,} not revoked  " if others else ""
            held = _HELD.get(progress.held, "")
            bar.update(task, completed=revoked + others, failed=failed, held=held)

        yield show
