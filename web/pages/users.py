"""Local users and open sessions: added, changed, disabled and ended as by the commands."""

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from operations.access.roles import Role
from operations.people.users import (
    add_web_user,
    end_web_sessions,
    list_web_sessions,
    list_web_users,
    make_web_user_link,
    set_web_user_disabled,
    set_web_user_roles,
)
from web.routing import NotFoundError, View, route

_PEOPLE = 100


def users(view: View) -> Response:
    """Show the local users, and everyone's sessions."""
    subject, ledger = view.viewer.subject, view.site.ledger
    sessions, people = list_web_sessions(subject, ledger, _PEOPLE)
    values = {
        "users": list_web_users(subject, ledger),
        "sessions": sessions,
        "people": people,
        "roles": [(role.value, _MEANING[role]) for role in Role],
    }
    return view.page("users.html", values)


_MEANING: Mapping[Role, str] = {
    Role.VIEWER: "sees everything, masked",
    Role.OPERATOR: "keeps work going",
    Role.ISSUER: "sends campaigns",
    Role.APPROVER: "approves, closes and revokes",
    Role.REVEALER: "sees customers and vouchers",
    Role.ADMIN: "everything but to reveal",
}


def add(view: View) -> Response:
    """Add a user; without a password, show a link that logs the user in once."""
    form, subject, ledger = view.form(), view.viewer.subject, view.site.ledger
    name = form.get("name", "").strip()
    password = form.get("password", "") or None
    add_web_user(subject, ledger, name, password, _roles(form))
    if password is None:
        return _show_link(view, name)
    return RedirectResponse("/users", 303)


def change(view: View) -> Response:
    """Change one user's roles, disable or enable the user, make a link, or end sessions."""
    form, subject, ledger = view.form(), view.viewer.subject, view.site.ledger
    name = form.get("name", "")
    match verb := view.request.path_params["verb"]:
        case "roles":
            set_web_user_roles(subject, ledger, name, _roles(form))
        case "disable" | "enable":
            set_web_user_disabled(subject, ledger, name, disabled=verb == "disable")
        case "link":
            return _show_link(view, name)
        case "log-out":
            end_web_sessions(subject, ledger, name)
        case _:
            raise NotFoundError(f"There is no action {verb}")
    return RedirectResponse("/users", 303)


def _roles(form: Mapping[str, str]) -> list[str]:
    return [role for role in Role if f"role-{role}" in form]


def _show_link(view: View, name: str) -> Response:
    token = make_web_user_link(view.viewer.subject, view.site.ledger, name)
    link = f"{view.site.url}/login/link/{token}"
    return view.page("user_link.html", {"name": name, "link": link})


ROUTES = [
    route("/users", users),
    route("/users", add, methods=("POST",)),
    # The name is in the form: it may be an e-mail address, which must be in no address.
    route("/users/{verb}", change, methods=("POST",)),
]
