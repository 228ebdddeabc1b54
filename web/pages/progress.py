"""The bar that shows a campaign's lines by outcome."""

from markupsafe import Markup

from charts.bar import Part, draw_bar
from issuance.states import OPEN, State
from ledger.queries.balance import Balance

_ORDER = (
    State.ISSUED,
    State.PARTIAL,
    State.REVOKED,
    State.FAILED,
    State.IN_DOUBT,
    State.REPLACED,
    State.CANCELLED,
)


def outcome_bar(balance: Balance) -> Markup:
    """Draw a campaign's lines: settled ones by state, then those that are on their way."""
    parts = [
        Part(state.replace("_", " "), balance.counts.get(state, 0), state.replace("_", "-"))
        for state in _ORDER
    ]
    moving = sum(balance.counts.get(state, 0) for state in OPEN if state is not State.WAITING)
    parts.append(Part("under way", moving, "moving"))
    parts.append(Part("waiting", balance.counts.get(State.WAITING, 0), "waiting"))
    return Markup(draw_bar(balance.campaign.name, parts))  # noqa: S704  # it escapes every text
