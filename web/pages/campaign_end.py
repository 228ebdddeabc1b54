"""Closing a campaign, and taking its rewards back: planned first, then confirmed by its name."""

from collections.abc import Callable, Mapping

from starlette.responses import Response

from issuance.reward_key import describe_reward
from issuance.states import State
from ledger.closing.verification import Mode
from ledger.revocation_plans import REMEDIES, RevocationPlan
from operations.access.roles import Right
from operations.bulk_revocation import Progress, plan_bulk, revoke_all
from operations.campaigns import read_balance
from operations.closing.closing import close, read_closing_problem
from operations.errors import UsageError
from operations.formats import counted
from web.pages.campaign_acts import to_campaign
from web.routing import View, route
from web.tasks import Say

_MOST_LINES = 20_000
"""A plan reads each issued line: a larger campaign's is made by the command."""


def show_close(view: View) -> Response:
    """Show whether a campaign can be closed."""
    return _closing_page(view, wrong=False)


def _closing_page(view: View, *, wrong: bool) -> Response:
    subject, ledger = view.viewer.subject, view.site.ledger
    balance = read_balance(subject, ledger, view.request.path_params["name"])
    name = balance.campaign.name
    values = {
        "name": name,
        "balance": balance,
        "problem": read_closing_problem(subject, ledger, name),
        "modes": list(Mode),
        "chosen": Mode.SAMPLE,
        "may": subject.may(Right.CLOSE),
        "wrong": wrong,
    }
    return view.page("close.html", values)


def do_close(view: View) -> Response:
    """Compare a campaign with the API in the background, and close it."""
    form, site, subject = view.form(), view.site, view.viewer.subject
    subject.require(Right.CLOSE)
    name = read_balance(subject, site.ledger, view.request.path_params["name"]).campaign.name
    if form.get("confirm") != name:
        return _closing_page(view, wrong=True)
    given, note = form.get("mode", ""), form.get("note", "").strip()
    if given not in list(Mode):
        raise UsageError(f"mode: choose one of {', '.join(Mode)}")
    if problem := read_closing_problem(subject, site.ledger, name):
        raise UsageError(f"{name} cannot be closed: {problem}")

    def run(say: Say) -> str:
        compared = close(
            subject,
            site.services,
            site.ledger,
            name,
            mode=Mode(given),
            note=note,
            progress=lambda at: say(f"{at.checked:,} of {at.total:,} lines are compared"),
        )
        if compared.closing is None:
            differing = counted(compared.comparison.differing, "line")
            return f"not closed: {differing} differ. Correct them, or say why in the note"
        return f"closed, SHA-256 of its statement {compared.closing.sha256}"

    site.tasks.begin(name, "Closing", view.viewer.name, run)
    return to_campaign(name)


def show_revoke(view: View) -> Response:
    """Ask which rewards are to be taken back."""
    return _revocation_page(view, None)


def _revocation_page(
    view: View, plan: RevocationPlan | None, form: Mapping[str, str] | None = None
) -> Response:
    subject, ledger = view.viewer.subject, view.site.ledger
    subject.require(Right.REVOKE)
    balance = read_balance(subject, ledger, view.request.path_params["name"])
    given = form or {}
    values = {
        "name": balance.campaign.name,
        "balance": balance,
        "plan": plan,
        "rewards": [] if plan is None else _rewards(plan),
        "remedies": REMEDIES,
        "is_too_large": balance.counts.get(State.ISSUED, 0) > _MOST_LINES,
        "most_lines": _MOST_LINES,
        "reward": given.get("reward", ""),
        "note": given.get("note", ""),
        "wrong": "confirm" in given,
    }
    return view.page("revoke.html", values)


def _rewards(plan: RevocationPlan) -> list[tuple[str, int, int, int]]:
    return [
        (describe_reward(key), total.lines, total.units, total.points)
        for key, total in sorted(plan.rewards.items())
    ]


def revoke(view: View) -> Response:
    """Show the plan, or carry it out if it is confirmed and has not changed."""
    form, site, subject = view.form(), view.site, view.viewer.subject
    subject.require(Right.REVOKE)
    balance = read_balance(subject, site.ledger, view.request.path_params["name"])
    name = balance.campaign.name
    if balance.counts.get(State.ISSUED, 0) > _MOST_LINES:
        raise UsageError(f"{name} is too large for a page: issuance campaign revoke {name} --plan")
    rewards = [form["reward"].strip()] if form.get("reward", "").strip() else []
    plan = plan_bulk(subject, site.ledger, name, rewards=rewards)
    note = form.get("note", "").strip()
    if form.get("digest") != plan.digest or form.get("confirm") != name:
        return _revocation_page(view, plan, form)
    if not note:
        raise UsageError("Say why: it is recorded with your name, in the ledger and at the API")
    if not plan.total.lines:
        raise UsageError("There is nothing to revoke")
    site.tasks.begin(name, "A revocation", view.viewer.name, _revocation(view, plan, rewards, note))
    return to_campaign(name)


def _revocation(
    view: View, plan: RevocationPlan, rewards: list[str], note: str
) -> Callable[[Say], str]:
    progress = Progress(plan.total.lines)

    def shown() -> str:
        found = progress.results
        held = f"; waiting: {progress.held}" if progress.held else ""
        failed = found.not_revoked + found.in_doubt + found.refused
        return (
            f"{found.revoked:,} of {progress.total:,} rewards are revoked, {failed:,} are not, "
            f"{progress.left:,} are left{held}"
        )

    def run(say: Say) -> str:
        revoke_all(
            view.viewer.subject,
            view.site.services,
            view.site.ledger,
            plan,
            note,
            progress=progress,
            filters={"rewards": rewards, "file": None},
            on_progress=lambda _: say(shown()),
        )
        remedies = "".join(
            f". {counted(count, 'reward')}: {remedy}" for remedy, count in progress.remedies.items()
        )
        return shown() + remedies

    return run


ROUTES = [
    route("/campaigns/{name}/close", show_close),
    route("/campaigns/{name}/close", do_close, methods=("POST",)),
    route("/campaigns/{name}/revoke", show_revoke),
    route("/campaigns/{name}/revoke", revoke, methods=("POST",)),
]
