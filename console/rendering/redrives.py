"""Groups, plans and redrives of dead letters for people."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from console.rendering.layout import age, aligned, say, say_row
from console.terminal import whole
from issuance.redrive.bulk import ActionKind, ActionState, ItemState
from issuance.redrive.forecast import SENDABLE, Results, Verdict
from ledger.dead_letters.groups import GroupText, LetterGroup
from ledger.dead_letters.plans import Plan, PlannedGroup
from ledger.dead_letters.progress import GroupProgress, Progress
from operations.formats import clock, counted, one_line, rate_text
from operations.redrives import VERDICT_WORDS

_CAMPAIGNS_SHOWN = 3


def print_groups(groups: Sequence[LetterGroup]) -> None:
    """Print a group a row, the largest first."""
    head = ("group", "letters", "reason", "code", "first", "last", "last redrive")
    rows = [
        (
            str(group.text.id or "-"),
            f"{group.letters:,}",
            _reason(group.text),
            _code(group.text),
            age(group.first_seen),
            age(group.last_seen),
            results_text(group.last_redrive),
        )
        for group in groups
    ]
    first, *rest = aligned([head, *rows], right=(0, 1, 3, 4, 5))
    say_row(first, "campaigns · message")
    for row, group in zip(rest, groups, strict=True):
        say_row(row, f"{_names(group.campaigns)} · {one_line(group.text.pattern)}")


def _names(names: Sequence[str]) -> str:
    more = len(names) - _CAMPAIGNS_SHOWN
    shown = ", ".join(names[:_CAMPAIGNS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _reason(text: GroupText) -> str:
    return "erased" if text.reason is None else text.reason.value


def _code(text: GroupText) -> str:
    return "" if text.code is None else str(text.code)


def results_text(results: Results | None) -> str:
    """Write what a redrive gave: `12: 6 of 14 issued`; "never" for None."""
    if results is None:
        return "never"
    return f"{results.action_id}: {results.issued:,} of {results.settled:,} issued"


def plan_lines(plan: Plan) -> Iterator[Text]:
    """A plan in full: what it would do to which letters, and the command that does it."""
    yield Text(f"Plan {plan.id}: {plan.kind} {counted(plan.letters, 'dead letter')}", style="bold")
    yield Text(f"  digest {plan.digest}")
    for verdict in Verdict:
        groups = [group for group in plan.groups if group.verdict is verdict]
        if groups:
            count = sum(group.letters for group in groups)
            yield Text(f"  {VERDICT_WORDS[verdict]}: {count:,}")
            yield from _planned(groups)
    if plan.unknown:
        yield Text(f"  unknown: {', '.join(map(str, plan.unknown))}")
    if plan.sendable:
        command = f"issuance dead-letters redrive --plan {plan.id}"
        yield Text(f"  carry it out: {whole(command)} (a trial first: {whole('--trial N')})")


def _planned(groups: Sequence[PlannedGroup]) -> Iterator[Text]:
    for group in sorted(groups, key=lambda each: -each.letters):
        yield Text(f"    {letters_text(group.letters, group.text)}, {group.campaign}")
        if group.why:
            yield Text(f"      {one_line(group.why)}")


def letters_text(count: int, text: GroupText) -> str:
    """Write some letters of a group: `2 letters of group 3 (failed 8003, Reward is not found)`."""
    letters = counted(count, "letter")
    if text.reason is None:
        return f"{letters} of erased customers"
    code = f" {text.code}" if text.code is not None else ""
    said = one_line(text.pattern) or "no message"
    return f"{letters} of group {text.id} ({text.reason}{code}, {said})"


def question_lines(plan: Plan) -> Iterator[str]:
    """What a question is about: the letters that would be taken, a group a line."""
    for group in sorted(plan.groups, key=lambda each: -each.letters):
        if group.verdict in SENDABLE:
            warned = f" ({one_line(group.why)})" if group.why else ""
            yield f"  {letters_text(group.letters, group.text)}, {group.campaign}{warned}"


def print_redrives(found: Sequence[Progress], count: int) -> None:
    """Print a redrive a row, the newest first, and how many are listed."""
    head = ("id", "kind", "state", "letters", "to go", "under way", "issued", "failed", "started")
    rows = [
        (
            str(each.action.id),
            each.action.kind.value,
            each.action.state.value,
            f"{each.action.selected:,}",
            f"{_to_go(each):,}",
            f"{each.items.get(ItemState.SENT, 0):,}",
            f"{each.issued:,}",
            f"{each.failed:,}",
            age(each.action.started_at),
        )
        for each in found
    ]
    first, *rest = aligned([head, *rows], right=(0, 3, 4, 5, 6, 7, 8))
    say_row(first, "by · note")
    for row, each in zip(rest, found, strict=True):
        say_row(row, f"{each.action.started_by} · {one_line(each.action.note)}")
    say(f"{len(found):,} of {counted(count, 'redrive')}")


def _to_go(progress: Progress) -> int:
    return progress.items.get(ItemState.PENDING, 0) + progress.items.get(ItemState.HELD, 0)


def progress_lines(progress: Progress) -> Iterator[Text]:
    """A redrive in full: what it did, its results, and what may be done now."""
    action = progress.action
    yield Text(f"Redrive {action.id}: {action.kind}, {action.state}", style="bold")
    for name, value in _facts(progress):
        yield Text(f"  {name:<9} {value}")
    yield Text("Groups", style="bold")
    for group in progress.groups:
        yield Text(f"  {_group_line(group, action.kind)}")
        if group.is_held:
            yield Text("    held: its trial was not better than before")
    for why, count in progress.refused.items():
        yield Text(f"  not sent: {counted(count, 'letter')}, {one_line(why)}")
    for planned in progress.planned:
        if planned.verdict is Verdict.REFUSED:
            yield Text(f"  not allowed: {letters_text(planned.letters, planned.text)}")
            yield Text(f"    {one_line(planned.why)}")
    for letter_id, request_id in progress.successors.items():
        yield Text(f"  {letter_id} → {request_id}")
    yield from (Text(line) for line in _next_steps(progress))


def _facts(progress: Progress) -> Iterator[tuple[str, str]]:
    action, items = progress.action, progress.items
    if action.started_at is None:
        yield "planned", f"{clock(action.created_at)} by {action.created_by}"
    else:
        yield "started", f"{clock(action.started_at)} by {action.started_by}"
    if action.finished_at is not None:
        yield "ended", clock(action.finished_at)
    if action.note:
        yield "note", one_line(action.note)
    yield "letters", f"{action.selected:,}, digest {action.digest[:12]}"
    counts = (
        ("to go", items.get(ItemState.PENDING, 0)),
        ("held", items.get(ItemState.HELD, 0)),
        ("under way", items.get(ItemState.SENT, 0)),
        ("issued", progress.issued),
        ("discarded", progress.results.get("discarded", 0)),
        ("not issued", progress.failed),
        ("not sent", items.get(ItemState.REFUSED, 0) + items.get(ItemState.DROPPED, 0)),
        ("undone", items.get(ItemState.UNDONE, 0)),
    )
    yield "now", " · ".join(f"{name} {count:,}" for name, count in counts if count) or "nothing"
    if items.get(ItemState.PENDING) and progress.halted:
        yield "waits", halted_text(progress)
    if action.trial and not action.judged:
        yield "trial", f"the first {action.trial:,}, spread over the groups"
    if action.kind is not ActionKind.DISCARD and action.finished_at is None:
        yield "pace", rate_text(action.per_second)


def halted_text(progress: Progress) -> str:
    """Write which campaigns' letters wait: `spring is paused`."""
    return ", ".join(f"{name} is {state}" for name, state in sorted(progress.halted.items()))


def _group_line(group: GroupProgress, kind: ActionKind) -> str:
    if kind is ActionKind.DISCARD:
        return f"{group.sent:,} of {letters_text(group.letters, group.text)} discarded"
    before = f" (before: {results_text(group.past)})" if group.past is not None else ""
    done = group.issued + group.failed
    of = letters_text(group.letters, group.text)
    return f"{of}: {group.issued:,} of {done:,} issued{before}"


def _next_steps(progress: Progress) -> Iterator[str]:
    action = progress.action
    command = "issuance redrives {} " + str(action.id)
    if action.state is ActionState.ASKING:
        yield (
            "The trial was not good enough. Send the rest: "
            f"{whole(command.format('go-on'))}, or leave it open: {whole(command.format('abort'))}"
        )
    if action.state is ActionState.PAUSED:
        yield f"continue: {whole(command.format('resume'))}"
    if progress.failed:
        again = f"issuance dead-letters plan --failed-of {action.id}"
        yield f"its failures as the next selection: {whole(again)}"
    undoable = (ItemState.PENDING, ItemState.HELD, ItemState.SENT)
    discards = action.kind is ActionKind.DISCARD and progress.items.get(ItemState.DONE)
    if action.state is not ActionState.UNDONE and (
        discards or any(progress.items.get(state) for state in undoable)
    ):
        yield f"undo what was not sent: {whole(command.format('undo'))}"
