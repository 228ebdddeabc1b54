"""One box for everything that an operator may have: an id, a customer, a campaign."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from issuance.customer import Customer
from issuance.masking import mask_customer
from ledger.campaigns import CampaignError
from operations.access.roles import Right
from operations.campaigns import read_state
from operations.customers import Page, show_customer
from operations.errors import UsageError
from operations.stories import find_rewards, show_story
from operations.time_zones import zone_of
from web.routing import View, route

_LINES = 50
_LONGEST = 300
_MOBILE_DIGITS = range(8, 16)


def search(view: View) -> Response:
    """Show the form."""
    view.viewer.subject.require(Right.VIEW)
    return _page(view, Found())


def submit(view: View) -> Response:
    """Search for what the form says: a customer's identifier must not be in an address."""
    text = view.form().get("q", "").strip()[:_LONGEST]
    if not text:
        return RedirectResponse("/search", 303)
    site, subject = view.site, view.viewer.subject
    try:
        read_state(subject, site.ledger, text)
    except CampaignError:
        pass
    else:
        return RedirectResponse(f"/campaigns/{quote(text, safe='')}", 303)
    found = _find(view, text)
    if len(found.request_ids) == 1:
        return RedirectResponse(f"/rewards/{found.request_ids[0]}", 303)
    return _page(view, found)


def _page(view: View, found: "Found") -> Response:
    values = {
        "found": found.request_ids,
        "customer": found.customer,
        "problem": found.problem,
    }
    return view.page("search.html", values)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    request_ids: Sequence[str] = ()
    customer: tuple[str, Page] | None = None
    """Masked, with a page of the customer's lines."""
    problem: str = ""
    """Why nothing was found."""


def _find(view: View, text: str) -> Found:
    site, subject = view.site, view.viewer.subject
    problem = ""
    try:
        return Found(find_rewards(subject, site.ledger, text))
    except UsageError as error:
        problem = str(error)
    for customer in _customers(text):
        page = show_customer(subject, site.ledger, customer, limit=_LINES, page=1)
        if page.total:
            return Found(customer=(mask_customer(customer), page))
    return Found(problem=problem)


def _customers(text: str) -> list[Customer]:
    """Return whom a text may mean."""
    if "@" in text:
        return [Customer("email", text.lower())]
    found = [Customer("externalId", text)]
    digits = text.lstrip("+").replace(" ", "").replace("-", "")
    if digits.isascii() and digits.isdigit() and len(digits) in _MOBILE_DIGITS:
        found.insert(0, Customer("mobile", digits))
    return found


def reward(view: View) -> Response:
    """Show one reward's story, masked."""
    site, subject = view.site, view.viewer.subject
    shown = show_story(subject, site.ledger, view.request.path_params["id"], reveal=False)
    values = {"is_revealed": False, "shown": shown, "line": shown.story.line}
    values["zone_of_account"] = zone_of(site.services, shown.story.line.account)
    return view.page("reward.html", values)


ROUTES = [
    route("/search", search),
    route("/search", submit, methods=("POST",)),
    route("/rewards/{id}", reward),
]
