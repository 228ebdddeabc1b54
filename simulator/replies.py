"""Replies before delivery, and the bodies of the issue endpoints (rewards-api §4.2, §4.3)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.anomalies import contradict
from simulator.issuance import LineResult
from simulator.orders import Order
from simulator.pricing import Plan
from simulator.statuses import (
    ALL_FAILED,
    ISSUED,
    NOT_A_MEMBER,
    PARTIAL,
    GatewayError,
    Status,
)
from simulator.switches import Switches
from simulator.vouchers import (
    payment_json,
    precise_expiry,
    redemption_json,
    restrictions_json,
    voucher_json,
)

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
# Made once: `json.dumps` makes an encoder for each call with options.
COMPACT = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply without its tracking header."""

    http_status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    padding: int = 0
    """Number of blanks to send after the body."""


def json_reply(http_status: int, body: Any) -> Reply:
    """A JSON body with an HTTP status."""
    return Reply(http_status, COMPACT.encode(body).encode())


def service_reply(body: dict[str, Any], code: int, switches: Switches) -> Reply:
    """A body of the rewards service; its HTTP status follows the code in `openapi_400` only."""
    failed = code != ISSUED.code and switches.http_mode == "openapi_400"
    return json_reply(400 if failed else 200, body)


def gateway_reply(error: GatewayError) -> Reply:
    """A reply of the gateway in front of the service; it has no `status` object."""
    body = {"data": None, "errors": [{"code": error.http_status, "message": error.message}]}
    return json_reply(error.http_status, body)


def html_reply(http_status: int, title: str) -> Reply:
    """An error page, as a proxy makes it."""
    heading = f"{http_status} {title}"
    page = f"<html><head><title>{heading}</title></head><body><h1>{title}</h1></body></html>"
    return Reply(http_status, page.encode(), HTML)


def refusal_reply(status: Status, switches: Switches, *, single: bool) -> Reply:
    """The reply to a call that was refused as a whole."""
    body: dict[str, Any] = {"status": status.as_json()}
    if not single:
        body["rewards"] = None
    elif not _is_status_only(status):
        body |= {"intouch": None, "promotion": None, "vendor": None}
    return service_reply(body, status.code, switches)


def _is_status_only(status: Status) -> bool:
    """Whether the documents' samples of this refusal hold the status and nothing else."""
    return status.code == 400 or (status.partner is not None and status.partner[0] == NOT_A_MEMBER)  # noqa: PLR2004 - the API's own number


def issue_reply(order: Order, results: Sequence[LineResult], switches: Switches) -> Reply:
    """The reply to a processed call."""
    if order.single:
        return service_reply(_single_body(order, results[0]), results[0].status.code, switches)
    top = _top_status([result.status for result in results])
    entries = [_entry(order, result) for result in results]
    body = contradict({"status": top.as_json(), "rewards": entries}, switches.toplevel_anomaly)
    return service_reply(body, body["status"]["code"], switches)


def _top_status(statuses: Iterable[Status]) -> Status:
    codes = {status.code for status in statuses}
    if codes == {ISSUED.code}:
        return ISSUED
    return PARTIAL if codes & {ISSUED.code, PARTIAL.code} else ALL_FAILED


def _single_body(order: Order, result: LineResult) -> dict[str, Any]:
    vouchers: dict[str, Any] = {"coupon": None, "promotion": None, "vendor": None}
    if result.units:
        vouchers[result.line.reward.kind] = voucher_json(result, result.units[0])
    body: dict[str, Any] = {
        "status": result.status.as_json(),
        "intouch": vouchers["coupon"],
        "promotion": vouchers["promotion"],
        "vendor": vouchers["vendor"],
        "paymentConfig": payment_json(result),
    }
    if not isinstance(result.line.plan, Plan):
        # In the documents, a line without a price has no requestId and no transactionId.
        return body | {"fulfillmentDetails": None, "customFields": None}
    body |= {"redemptionDetails": redemption_json(result, single=True), **_echo(order, result)}
    if result.transaction is not None:
        body["transactionId"] = result.transaction.transaction_id
    return body


def _entry(order: Order, result: LineResult) -> dict[str, Any]:
    plan, transaction = result.line.plan, result.transaction
    entry: dict[str, Any] = {
        "status": result.status.as_json(),
        "rewardId": result.line.reward.reward_id,
    }
    if not isinstance(plan, Plan):
        # In the documents, a line without a price has no requestId, transactionId or quantity.
        return {**entry, "intouch": None, "promotions": [], "vendor": []}
    references = transaction.points_refs if transaction else []
    kind = result.line.reward.kind
    vouchers = [voucher_json(result, unit) | precise_expiry(kind, unit) for unit in result.units]
    if order.connected:
        entry["orgId"] = result.line.org_id
    return entry | {
        "transactionId": transaction.transaction_id if transaction else None,
        "requestedQuantity": plan.units,
        "quantity": result.quantity,
        "pointsReferenceId": references[0] if references else None,
        "pointsReferenceIds": references,
        "intouch": vouchers if kind == "coupon" and vouchers else None,
        "promotions": vouchers if kind == "promotion" else [],
        "vendor": vouchers if kind == "vendor" else [],
        "restrictions": restrictions_json(result.line.reward),
        "paymentConfig": payment_json(result),
        "redemptionDetails": redemption_json(result, single=False),
        **_echo(order, result),
    }


def _echo(order: Order, result: LineResult) -> dict[str, Any]:
    element = result.line.element
    return {
        "fulfillmentDetails": element.get("fulfillmentDetails"),
        "customFields": element.get("customFields") or None,
        "eventLogId": order.event_log_id,
        "requestId": result.line.request_id,
        "eventDateTime": order.event_date_time,
    }
