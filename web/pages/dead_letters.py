"""Dead letters by groups: planned, tried, redriven or discarded, followed and undone."""

from starlette.responses import RedirectResponse, Response

from issuance.redrive.bulk import Act, ActionKind, ActionState
from ledger.dead_letters.browse import DeadLetterFilter
from operations.access.roles import Right
from operations.dead_letters import list_groups
from operations.redrives import (
    VERDICT_WORDS,
    begin_action,
    change_redrive,
    list_redrives,
    plan_discard,
    plan_redrive,
    show_redrive,
    undo,
)
from web.numbers import read_number
from web.routing import NotFoundError, View, route

_REDRIVES = 20
_ENDED = (ActionState.FINISHED, ActionState.ABORTED, ActionState.UNDONE)
_ACTS = {"pause": Act.PAUSE, "resume": Act.RESUME, "abort": Act.ABORT, "go-on": Act.GO_ON}
_POSSIBLE = {
    ActionState.TRIAL: ("pause", "go-on", "abort"),
    ActionState.ASKING: ("go-on", "abort"),
    ActionState.RUNNING: ("pause", "abort"),
    ActionState.PAUSED: ("resume", "abort"),
}


def groups(view: View) -> Response:
    """Show the groups of open letters, and the newest redrives."""
    site, subject = view.site, view.viewer.subject
    moment = view.shared("groups", lambda: list_groups(subject, site.ledger))
    redrives, count = list_redrives(subject, site.ledger, _REDRIVES)
    values = {
        "moment": moment.at,
        "groups": moment.value,
        "letters": sum(group.letters for group in moment.value),
        "redrives": redrives,
        "redrives_total": count,
        "verbs": [
            ("resend", subject.may(Right.RESEND)),
            ("reissue", subject.may(Right.REISSUE)),
            ("discard", subject.may(Right.DISCARD)),
        ],
    }
    return view.page("dead_letters.html", values)


def make_plan(view: View) -> Response:
    """Freeze the letters of a group, and show what the action would do to them."""
    form, site, subject = view.form(), view.site, view.viewer.subject
    chosen = DeadLetterFilter(groups=(read_number(form.get("group", ""), "group"),))
    match verb := form.get("verb", ""):
        case "resend" | "reissue":
            made = plan_redrive(subject, site.ledger, chosen, reissue=verb == "reissue")
        case "discard":
            made = plan_discard(subject, site.ledger, chosen)
        case _:
            raise NotFoundError(f"There is no action {verb!r}")
    return RedirectResponse(f"/redrives/{made.id}", 303)


def redrive(view: View) -> Response:
    """Show a plan or a redrive with its results."""
    progress = show_redrive(
        view.viewer.subject,
        view.site.ledger,
        read_number(view.request.path_params["id"], "redrive"),
    )
    action = progress.action
    values = {
        "progress": progress,
        "action": action,
        "acts": _POSSIBLE.get(action.state, ()),
        "is_plan": action.state is ActionState.PLANNED,
        "is_over": action.state in _ENDED,
        "can_be_undone": action.state not in (ActionState.PLANNED, ActionState.UNDONE),
        "is_discard": action.kind is ActionKind.DISCARD,
        "words": VERDICT_WORDS,
        "items": [(state.value, count) for state, count in progress.items.items() if count],
    }
    return view.page("redrive.html", values)


def act(view: View) -> Response:
    """Begin, pause, resume, continue, abort or undo, as the commands do."""
    number = read_number(view.request.path_params["id"], "redrive")
    verb, form = view.request.path_params["verb"], view.form()
    site, subject, note = view.site, view.viewer.subject, form.get("note", "")
    if verb == "begin":
        trial = read_number(form.get("trial") or "0", "trial")
        begin_action(subject, site.services, site.ledger, number, note, trial=trial)
    elif verb == "undo":
        undo(subject, site.ledger, number, note)
    elif verb in _ACTS:
        change_redrive(subject, site.services, site.ledger, number, _ACTS[verb], note=note)
    else:
        raise NotFoundError(f"There is no action {verb}")
    return RedirectResponse(f"/redrives/{number}", 303)


ROUTES = [
    route("/dead-letters", groups),
    route("/dead-letters/plan", make_plan, methods=("POST",)),
    route("/redrives/{id}", redrive),
    route("/redrives/{id}/{verb}", act, methods=("POST",)),
]
