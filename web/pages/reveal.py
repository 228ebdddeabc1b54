"""Customers and vouchers in the clear: with a right, a reason, and an entry in the audit log."""

from starlette.responses import Response

from operations.customers import show_customer
from operations.dead_letters import show_letter
from operations.errors import UsageError
from operations.outcome_export import outcome_json
from operations.stories import show_story
from operations.time_zones import zone_of
from web.numbers import read_number
from web.pages.dead_letter import letter_values
from web.routing import View, route

_LINES = 50
_NOTHING: tuple[object, ...] = (None, "", [], (), {})


def reveal_reward(view: View) -> Response:
    """Show a reward's story in the clear."""
    site, request_id = view.site, view.request.path_params["id"]
    note = _reason(view.form().get("note", ""))
    shown = show_story(view.viewer.subject, site.ledger, request_id, reveal=True, note=note)
    line = shown.story.line
    fields = outcome_json(line, zone_of(site.services, line.account), reveal=True)
    given = [(name, value) for name, value in fields.items() if value not in _NOTHING]
    values = {"is_revealed": True, "shown": shown, "line": line, "fields": given}
    return view.page("reward.html", values)


def reveal_letter(view: View) -> Response:
    """Show a dead letter in the clear."""
    number = read_number(view.request.path_params["id"], "dead letter")
    note = _reason(view.form().get("note", ""))
    story = show_letter(view.viewer.subject, view.site.ledger, number, reveal=True, note=note)
    return view.page("dead_letter.html", letter_values(story, reveal=True))


def reveal_customer(view: View) -> Response:
    """Show the customer of a reward with the newest rewards in the clear.

    The form names one of the rewards: an identifier must be in no page before it is revealed.
    """
    form, subject, ledger = view.form(), view.viewer.subject, view.site.ledger
    note = _reason(form.get("note", ""))
    shown = show_story(subject, ledger, form.get("reward", ""), reveal=False)
    customer = shown.story.line.customer
    page = show_customer(subject, ledger, customer, limit=_LINES, page=1, reveal=True, note=note)
    return view.page("customer.html", {"customer": str(customer), "page": page})


def _reason(note: str) -> str:
    if not note.strip():
        raise UsageError("Say why: the audit log keeps the reason, such as a ticket's number")
    return note.strip()


ROUTES = [
    route("/rewards/{id}/reveal", reveal_reward, methods=("POST",)),
    route("/dead-letters/{id}/reveal", reveal_letter, methods=("POST",)),
    route("/customers/reveal", reveal_customer, methods=("POST",)),
]
