"""A campaign's plan: what it would issue, its digest, and the decision about it."""

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from issuance.reward_key import describe_reward
from issuance.states import CampaignState
from operations.access.roles import Right
from operations.campaign_life import approve, reject, submit
from operations.plan import Plan, read_plan, read_plan_version
from web.routing import NotFoundError, View, route


def plan(view: View) -> Response:
    """Show a plan."""
    site, name = view.site, view.request.path_params["name"]
    subject = view.viewer.subject
    version = read_plan_version(subject, site.ledger, name)
    moment = site.plans.read(version, lambda: read_plan(subject, site.services, site.ledger, name))
    if moment is None:
        return view.page("plan_is_read.html", {"name": name, "lines": version.lines})
    if view.is_part:
        # The plan has been read: a form of it must not be replaced each second.
        return Response(headers={"HX-Refresh": "true"})
    found = moment.value
    contents = found.contents
    values = {
        "moment": moment.at,
        "plan": found,
        "contents": contents,
        "name": contents.campaign.name,
        "settings": [
            (name, value)
            for name, value in contents.settings.described().items()
            if value != "none"
        ],
        "rewards": [(describe_reward(each.key), each) for each in contents.rewards],
        "may_submit": contents.campaign.state is CampaignState.DRAFT and subject.may(Right.SUBMIT),
        "waits": contents.campaign.state is CampaignState.AWAITING_APPROVAL,
        "may_decide": subject.may(Right.APPROVE) and not _is_own(view, found),
        "is_own": _is_own(view, found),
    }
    return view.page("plan.html", values)


def _is_own(view: View, found: Plan) -> bool:
    """Whether the viewer submitted it; the ledger refuses such an approval in any case."""
    approval = found.plan.approval
    return approval is not None and approval.submitted_by == view.viewer.name


def decide(view: View) -> Response:
    """Submit, approve or reject, with the checks and the entry of the command."""
    name, verb = view.request.path_params["name"], view.request.path_params["verb"]
    form, site, subject = view.form(), view.site, view.viewer.subject
    note = form.get("note", "")
    match verb:
        case "submit":
            submit(subject, site.services, site.ledger, name, note=note)
        case "approve":
            digest = form.get("digest", "")
            approve(subject, site.services, site.ledger, name, digest, note=note)
        case "reject":
            reject(subject, site.ledger, name, note=note)
        case _:
            raise NotFoundError(f"There is no action {verb}")
    return RedirectResponse(f"/campaigns/{quote(name, safe='')}", 303)


ROUTES = [
    route("/campaigns/{name}/plan", plan),
    route("/campaigns/{name}/plan/{verb}", decide, methods=("POST",)),
]
