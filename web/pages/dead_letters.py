"""Dead letters by groups: planned, tried, redriven or discarded, followed and undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from charts.columns import Column, draw_columns
from issuance.outcome import Reason
from issuance.redrive.bulk import Act, ActionKind, ActionState
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.groups import LetterGroup
from ledger.dead_letters.trend import Hour
from operations.access.roles import Right
from operations.dead_letters import list_groups, read_trend
from operations.errors import UsageError
from operations.formats import rate_text
from operations.redrives import (
    VERDICT_WORDS,
    begin_action,
    change_redrive,
    list_redrives,
    plan_discard,
    plan_redrive,
    set_rate,
    show_redrive,
    undo,
)
from web.numbers import read_number
from web.routing import NotFoundError, View, route

_GROUPS = 20
_REDRIVES = 20
_ENDED = (ActionState.FINISHED, ActionState.ABORTED, ActionState.UNDONE)
_ACTS = {"pause": Act.PAUSE, "resume": Act.RESUME, "abort": Act.ABORT, "go-on": Act.GO_ON}
_POSSIBLE = {
    ActionState.TRIAL: ("pause", "go-on", "abort"),
    ActionState.ASKING: ("go-on", "abort"),
    ActionState.RUNNING: ("pause", "abort"),
    ActionState.PAUSED: ("resume", "abort"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which groups are wanted; "" or None: any."""

    campaign: str
    reason: str
    code: int | None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Chosen":
        """Read an address or a form; raises `UsageError`."""
        reason, code = given.get("reason", ""), given.get("code", "").strip()
        if reason and reason not in set(Reason):
            raise UsageError(f"reason: {reason[:40]!r} is none of {', '.join(Reason)}")
        number = read_number(code, "code") if code else None
        return cls(given.get("campaign", "").strip(), reason, number)

    @property
    def names(self) -> tuple[str, ...]:
        """The campaign; () for any."""
        return (self.campaign,) if self.campaign else ()

    def fits(self, group: LetterGroup) -> bool:
        """Whether a group has the reason and the code."""
        return self.reason in ("", group.text.reason) and self.code in (None, group.text.code)

    def query(self, **more: object) -> str:
        """Write it as an address has it."""
        return urlencode({"campaign": self.campaign, "reason": self.reason} | self._code() | more)

    def _code(self) -> dict[str, object]:
        return {} if self.code is None else {"code": self.code}


def _key(group: LetterGroup) -> tuple[int, int]:
    """Order groups as they are shown."""
    return -group.letters, group.text.id


def _after(text: str) -> tuple[int, int] | None:
    """Read the cursor: the letters and the id of the last group on the page before."""
    letters, _, number = text.partition("-")
    return (-read_number(letters, "after"), read_number(number, "after")) if text else None


def groups(view: View) -> Response:
    """Show the groups of open letters with their trend, and the newest redrives."""
    site, subject, query = view.site, view.viewer.subject, view.request.query_params
    chosen, after = Chosen.read(query), _after(query.get("after", ""))
    moment = view.shared(
        ("groups", chosen.names),
        lambda: list_groups(subject, site.ledger, chosen.names),
        rarely=True,
    )
    fitting = [group for group in moment.value if chosen.fits(group)]
    left = [group for group in fitting if after is None or _key(group) > after]
    shown = left[:_GROUPS]
    ids = tuple(group.text.id for group in shown)
    trend = view.shared(
        ("trend", ids), lambda: read_trend(subject, site.ledger, ids), rarely=True
    ).value
    before = query.get("redrives", "")
    redrives, count = list_redrives(
        subject, site.ledger, _REDRIVES + 1, read_number(before, "redrives") if before else None
    )
    values = {
        "moment": moment.at,
        "chosen": chosen,
        "reasons": list(Reason),
        "groups": [(group, *_trend(view, group, trend)) for group in shown],
        "groups_total": len(fitting),
        "letters": sum(group.letters for group in fitting),
        "next": f"{shown[-1].letters}-{ids[-1]}" if len(left) > _GROUPS else "",
        "redrives": redrives[:_REDRIVES],
        "redrives_total": count,
        "older": redrives[_REDRIVES - 1].action.id if len(redrives) > _REDRIVES else None,
        "verbs": [
            ("resend", subject.may(Right.RESEND)),
            ("reissue", subject.may(Right.REISSUE)),
            ("discard", subject.may(Right.DISCARD)),
        ],
    }
    return view.page("dead_letters.html", values)


def _trend(
    view: View, group: LetterGroup, trend: Mapping[int, Sequence[Hour]]
) -> tuple[Markup, str]:
    """Draw a group's last day, and say it in words."""
    hours = trend.get(group.text.id, ())
    total = sum(hour.letters for hour in hours)
    columns = [
        Column(f"{hour.begin.astimezone(view.viewer.zone):%H:%M}", hour.letters) for hour in hours
    ]
    words = "none in the last 24 hours"
    if total:
        most = max(columns, key=lambda column: column.count)
        words = (
            f"{total:,} in the last 24 hours, {columns[-1].count:,} in this hour, "
            f"most from {most.name} on: {most.count:,}"
        )
    return Markup(draw_columns(f"Open letters by hour: {words}", columns)), words  # noqa: S704  # it escapes every text


def make_plan(view: View) -> Response:
    """Freeze the letters of a group, and show what the action would do to them."""
    form, site, subject = view.form(), view.site, view.viewer.subject
    group = read_number(form.get("group", ""), "group")
    chosen = DeadLetterFilter(campaign=Chosen.read(form).names, groups=(group,))
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
        "pace": rate_text(action.per_second),
        "group_ids": sorted({group.text.id for group in progress.planned if group.text.id}),
        "is_over": action.state in _ENDED,
        # Of a finished redrive every letter is settled; a discard is taken back at any time.
        "can_be_undone": action.state not in (ActionState.PLANNED, ActionState.UNDONE)
        and (action.kind is ActionKind.DISCARD or action.state is not ActionState.FINISHED),
        "is_discard": action.kind is ActionKind.DISCARD,
        "words": VERDICT_WORDS,
        "items": [(state.value, count) for state, count in progress.items.items() if count],
    }
    return view.page("redrive.html", values)


def act(view: View) -> Response:
    """Begin, pause, resume, continue, set the pace, abort or undo, as the commands do."""
    number = read_number(view.request.path_params["id"], "redrive")
    verb, form = view.request.path_params["verb"], view.form()
    site, subject, note = view.site, view.viewer.subject, form.get("note", "")
    if verb == "begin":
        trial = read_number(form.get("trial") or "0", "trial")
        pace = _pace(form.get("per_second", ""))
        begin_action(
            subject, site.services, site.ledger, number, note, trial=trial, per_second=pace
        )
    elif verb == "rate":
        set_rate(subject, site.ledger, number, _pace(form.get("per_second", "")), note)
    elif verb == "undo":
        undo(subject, site.ledger, number, note)
    elif verb in _ACTS:
        change_redrive(subject, site.services, site.ledger, number, _ACTS[verb], note=note)
    else:
        raise NotFoundError(f"There is no action {verb}")
    return RedirectResponse(f"/redrives/{number}", 303)


def _pace(text: str) -> float:
    try:
        return float(text.strip() or 0)
    except ValueError:
        raise UsageError(f"letters a second: {text[:40]!r} is no number") from None


ROUTES = [
    route("/dead-letters", groups),
    route("/dead-letters/plan", make_plan, methods=("POST",)),
    route("/redrives/{id}", redrive),
    route("/redrives/{id}/{verb}", act, methods=("POST",)),
]
