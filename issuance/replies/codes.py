"""The rewards API's code table as data: what each code means for a line, with its source."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Verdict(Enum):
    """What a code says about one line."""

    ISSUED = auto()
    PARTIAL = auto()
    """Some units were issued: keep them, report to an operator; a resend is safe."""
    REFUSED = auto()
    """A definite refusal: the requestId is burnt, and only an operator may reissue."""
    LIMIT = auto()
    """A definite refusal because a limit window is used up; a later window may allow it."""
    CONFIG = auto()
    """A definite refusal that every job of the campaign gets until the set-up is corrected."""
    TRANSIENT = auto()
    """Not processed now: resend the same bytes later."""
    RECHECK = auto()
    """It may have been issued: only the API's reads can show it, not a resend."""
    UNKNOWN = auto()
    """Undocumented: treated as a definite refusal, and an operator decides."""


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of the table; with `text` or `partners` it applies only if one of them matches."""

    code: int
    verdict: Verdict
    meaning: str
    source: str
    text: tuple[str, ...] = ()
    """Parts of the message in lower case; one match is enough."""
    partners: frozenset[str] = frozenset()
    """Codes in `status.partnerError.codes`; one match is enough."""


_S = Verdict
_POINTS_REFUSED = frozenset({"828", "1620", "1632", "730", "100105", "100106", "990102"})

ISSUED_CODE = 200

DUPLICATE = CodeRow(
    400,
    _S.RECHECK,
    "requestId already used, or twice in one call",
    "§5.1",
    text=("duplicate requestid",),
)

CODES: tuple[CodeRow, ...] = (
    CodeRow(200, _S.ISSUED, "issued", "§6.1"),
    CodeRow(201, _S.PARTIAL, "some items failed", "§6.2"),
    DUPLICATE,
    CodeRow(400, _S.REFUSED, "the request is not valid", "§6.1"),
    CodeRow(401, _S.TRANSIENT, "authentication failed", "§6.2"),
    CodeRow(403, _S.REFUSED, "access denied or a mandatory field is missing", "§6.2"),
    CodeRow(404, _S.REFUSED, "no such resource", "§6.2"),
    CodeRow(405, _S.REFUSED, "method not allowed", "§6.2"),
    CodeRow(408, _S.TRANSIENT, "request timeout", "§6.2"),
    CodeRow(415, _S.REFUSED, "media type not supported", "§6.2"),
    CodeRow(425, _S.TRANSIENT, "too early", "§6.2"),
    CodeRow(429, _S.TRANSIENT, "too many requests", "§6.2"),
    CodeRow(461, _S.TRANSIENT, "search engine busy", "§6.2"),
    CodeRow(500, _S.RECHECK, "failed due to errors", "§6.2"),
    CodeRow(502, _S.RECHECK, "gateway", "§6.2"),
    CodeRow(503, _S.TRANSIENT, "authorisation status unavailable", "§6.2"),
    CodeRow(504, _S.RECHECK, "gateway", "§6.2"),
    CodeRow(520, _S.RECHECK, "edge", "§6.2"),
    CodeRow(521, _S.TRANSIENT, "several actions are running for the customer", "§6.2"),
    CodeRow(522, _S.RECHECK, "edge", "§6.2"),
    CodeRow(523, _S.RECHECK, "edge", "§6.2"),
    CodeRow(524, _S.RECHECK, "edge", "§6.2"),
    CodeRow(1010, _S.RECHECK, "points were not redeemed after the issue step", "§6.1"),
    CodeRow(1014, _S.REFUSED, "no such customer", "§6.1"),
    CodeRow(1018, _S.TRANSIENT, "points were not given back (revoke)", "§6.1"),
    CodeRow(1026, _S.CONFIG, "the brand has no points vendor", "§6.1"),
    CodeRow(1060, _S.REFUSED, "too many rewards in one call", "§6.2"),
    CodeRow(3004, _S.CONFIG, "brand not found", "§6.1"),
    CodeRow(6004, _S.REFUSED, "reward not found or disabled", "§6.1"),
    CodeRow(6080, _S.REFUSED, "rewardExternalId unknown", "§6.1"),
    CodeRow(6082, _S.REFUSED, "rewardExternalId does not match rewardId", "§6.1"),
    CodeRow(8000, _S.TRANSIENT, "user reward not read (legacy read)", "§6.1"),
    CodeRow(
        8003, _S.RECHECK, "the vendor returned no voucher", "§6.1", text=("voucher is not present",)
    ),
    CodeRow(
        8003, _S.REFUSED, "not valid, reward disabled or expired, or all rewards failed", "§6.1"
    ),
    CodeRow(
        8004, _S.REFUSED, "points, group or customer check failed", "§6.1", partners=_POINTS_REFUSED
    ),
    CodeRow(
        8004,
        _S.RECHECK,
        "failed without a definite reason",
        "§6.1",
        text=("issue failed", "api failed", "timeout", "timed out"),
    ),
    CodeRow(8004, _S.REFUSED, "points, group, coupon series or customer check failed", "§6.1"),
    CodeRow(8005, _S.REFUSED, "user reward disabled for the brand (legacy)", "§6.1"),
    CodeRow(8009, _S.REFUSED, "invalid page or size (legacy read)", "§6.1"),
    CodeRow(8010, _S.PARTIAL, "issued partially", "§7"),
    CodeRow(
        10003, _S.RECHECK, "the body differs from the one first sent with this requestId", "§6.1"
    ),
    CodeRow(10004, _S.TRANSIENT, "another call for this customer is running", "§6.1"),
    CodeRow(10007, _S.REFUSED, "transaction not found (revoke)", "§6.1"),
    CodeRow(10008, _S.REFUSED, "user reward not found (revoke)", "§6.1"),
    CodeRow(12005, _S.LIMIT, "the limit of the reward or the customer is used up", "§6.1"),
    CodeRow(12016, _S.REFUSED, "the payment configuration is not the reward's", "§6.1"),
    CodeRow(12034, _S.REFUSED, "the customer is not in the reward's segment", "§6.1"),
    CodeRow(12035, _S.REFUSED, "several payment configurations, none given", "§6.1"),
    CodeRow(12050, _S.REFUSED, "the customer has no valid card of the series", "§6.1"),
    CodeRow(13003, _S.REFUSED, "wrong state (revoke)", "§6.1"),
    CodeRow(13005, _S.REFUSED, "revoking is switched off (revoke)", "§6.1"),
    CodeRow(15006, _S.REFUSED, "primary identifier missing", "§6.1"),
)

RETRIED_IN_DOUBT = frozenset({500, 502, 504, 520, 522, 523, 524})
"""Codes of a server that failed midway: resent first, which the same requestId makes safe (§8)."""

_ROWS: dict[int, tuple[CodeRow, ...]] = {}
for _row in CODES:
    _ROWS[_row.code] = (*_ROWS.get(_row.code, ()), _row)

UNKNOWN = CodeRow(0, Verdict.UNKNOWN, "undocumented_code", "§6.1, last row")
_UNKNOWN_PARTNER = CodeRow(
    8004, Verdict.RECHECK, "failed with an undocumented partner code", "§6.1"
)


def find_code(code: int, message: str, partner_codes: Sequence[str] = ()) -> CodeRow:
    """Find the row for a code, its message and its partner codes; `UNKNOWN` when there is none."""
    for row in _ROWS.get(code, ()):
        if not row.text and not row.partners:
            return _UNKNOWN_PARTNER if code == _UNKNOWN_PARTNER.code and partner_codes else row
        if row.partners.intersection(partner_codes) or any(
            part in message.lower() for part in row.text
        ):
            return row
    return UNKNOWN
