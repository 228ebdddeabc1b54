"""Every route with every role, anonymous included; a new route must be given its right here."""

import pytest
from starlette.routing import Mount, Route

from operations.access.roles import RIGHTS_OF, Right, Role
from tests.contract.ledger.build import make_job
from web.app import routes

OPEN = {
    *("/livez", "/login", "/login/link/{token}", "/logout"),
    *("/login/oidc", "/login/oidc/callback"),
}
"""A person who is not logged in needs these."""
RIGHTS: dict[tuple[str, str], Right] = {
    ("GET", "/"): Right.VIEW,
    ("GET", "/campaigns/{name}"): Right.VIEW,
    ("POST", "/campaigns/{name}/pause"): Right.PAUSE,
    ("POST", "/campaigns/{name}/resume"): Right.RESUME,
    ("POST", "/campaigns/{name}/cancel"): Right.CANCEL,
    ("POST", "/campaigns/{name}/weight"): Right.WEIGHT,
    ("POST", "/campaigns/{name}/set"): Right.SET_CAMPAIGN,
    ("GET", "/campaigns/{name}/calls"): Right.VIEW,
    ("GET", "/campaigns/{name}/close"): Right.VIEW,
    ("POST", "/campaigns/{name}/close"): Right.CLOSE,
    ("GET", "/campaigns/{name}/revoke"): Right.REVOKE,
    ("POST", "/campaigns/{name}/revoke"): Right.REVOKE,
    ("GET", "/campaigns/{name}/letters"): Right.VIEW,
    ("GET", "/campaigns/{name}/outcomes"): Right.VIEW,
    ("POST", "/campaigns/{name}/outcomes"): Right.VIEW,
    ("GET", "/campaigns/{name}/plan"): Right.VIEW,
    ("POST", "/campaigns/{name}/plan/submit"): Right.SUBMIT,
    ("POST", "/campaigns/{name}/plan/approve"): Right.APPROVE,
    ("POST", "/campaigns/{name}/plan/reject"): Right.APPROVE,
    ("POST", "/campaigns/{name}/report"): Right.VIEW,
    ("GET", "/dead-letters"): Right.VIEW,
    ("POST", "/dead-letters/plan"): Right.RESEND,
    ("GET", "/dead-letters/{id}"): Right.VIEW,
    ("POST", "/dead-letters/{id}/reveal"): Right.REVEAL,
    ("POST", "/rewards/{id}/reveal"): Right.REVEAL,
    ("POST", "/customers/reveal"): Right.REVEAL,
    ("GET", "/redrives/{id}"): Right.VIEW,
    **{
        ("POST", f"/redrives/{{id}}/{verb}"): Right.RESEND
        for verb in ("begin", "pause", "resume", "abort", "go-on", "rate", "undo")
    },
    ("GET", "/uploads"): Right.BLAST,
    ("POST", "/uploads"): Right.BLAST,
    ("GET", "/uploads/{id}"): Right.BLAST,
    ("GET", "/uploads/{id}/refused.csv"): Right.BLAST,
    **{
        ("POST", f"/uploads/{{id}}/{verb}"): Right.BLAST
        for verb in ("read", "check", "accept", "remove")
    },
    ("GET", "/search"): Right.VIEW,
    ("POST", "/search"): Right.VIEW,
    ("GET", "/rewards/{id}"): Right.VIEW,
    ("GET", "/approvals"): Right.VIEW,
    ("GET", "/account"): Right.VIEW,
    ("GET", "/account/{name}"): Right.VIEW,
    ("POST", "/account/{name}/rate"): Right.SET_LIMITS,
    ("POST", "/account/{name}/resume"): Right.END_SUSPENSION,
    ("GET", "/users"): Right.MANAGE_USERS,
    ("POST", "/users"): Right.MANAGE_USERS,
    **{
        ("POST", f"/users/{verb}"): Right.MANAGE_USERS
        for verb in ("roles", "disable", "enable", "link", "log-out")
    },
    ("GET", "/system"): Right.VIEW,
    ("GET", "/audit"): Right.VIEW,
    ("POST", "/audit/verify"): Right.VIEW,
    ("GET", "/audit/verification"): Right.VIEW,
}
_VERBS = {
    "/users/{verb}": ("roles", "disable", "enable", "link", "log-out"),
    "/campaigns/{name}/{verb}": ("pause", "resume", "cancel", "weight", "set"),
    "/campaigns/{name}/plan/{verb}": ("submit", "approve", "reject"),
    "/account/{name}/{verb}": ("rate", "resume"),
    "/uploads/{id}/{verb}": ("read", "check", "accept", "remove"),
    "/redrives/{id}/{verb}": ("begin", "pause", "resume", "abort", "go-on", "rate", "undo"),
}


_FORM = {
    "per_minute": "600",
    "confirm": "diwali",
    "group": "1",
    "verb": "resend",
    "note": "ticket 42",
    "digest": "x",
    "weight": "7",
    "rate": "60",
    "format": "csv",
}


def _walked() -> set[tuple[str, str]]:
    found = set()
    for each in routes():
        assert isinstance(each, Route | Mount)
        if isinstance(each, Mount) or each.path in OPEN or each.path == "/live":
            continue
        for method in (each.methods or set()) - {"HEAD"}:
            paths = [each.path.replace("{verb}", verb) for verb in _VERBS.get(each.path, ("",))]
            found |= {(method, path) for path in paths}
    return found


def _ask(client, method, path):
    request_id = make_job(1).id
    form = _FORM | {"q": request_id, "reward": request_id} if method == "POST" else None
    number = "1" if path.startswith(("/redrives", "/dead-letters")) else request_id
    filled = path.replace("{name}", "diwali").replace("{id}", number)
    return client.request(method, filled, data=form)


def test_the_table_has_every_route():
    assert _walked() == set(RIGHTS)


@pytest.mark.parametrize(("method", "path"), sorted(RIGHTS))
def test_without_a_session_nothing_is_shown_or_done(console, method, path):
    answer = _ask(console.browser(), method, path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert answer.text == ""


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("method", "path"), sorted(RIGHTS))
def test_a_role_may_do_what_its_rights_allow(console, method, path, role):
    if path == "/campaigns/{name}/resume":
        _ask(console.browser("admin"), "POST", "/campaigns/{name}/pause")
    answer = _ask(console.browser(role.value), method, path)
    # What a right shows or changes is on pages that need the right to view.
    allowed = {RIGHTS[method, path], Right.VIEW} <= RIGHTS_OF[role]
    assert (answer.status_code == 403) is not allowed
    # Some are refused by the state of what they act on, which comes after the right.
    assert answer.status_code in ((200, 303, 404, 409, 503) if allowed else (403,))
    if not allowed:
        assert f"{role.value} may not" in answer.text


@pytest.mark.parametrize("path", ["/", "/?part=live", "/system", "/dead-letters"])
def test_what_another_person_has_just_read_is_not_shown_without_the_right(console, path):
    """Pages that are open together share what they read, for a second."""
    assert console.browser("viewer").get(path).status_code == 200
    assert console.browser("revealer").get(path).status_code == 403
