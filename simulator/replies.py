"""Replies before delivery, and the bodies of the issue endpoints (rewards-api §4.2, §4.3)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from simulator.anomalies import contradict
from simulator.issuance import LineResult
from simulator.orders import Order
from simulator.pricing import Plan
from simulator.statuses import ALL_FAILED, ISSUED, PARTIAL, GatewayError, Status
from simulator.switches import Switches
from simulator.transactions import Unit

SECONDS_PER_DAY = 86_400
VOUCHERS_LAST = timedelta(days=365)
JSON = b"application/json"
HTML = b"text/html; charset=utf-8"


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
    return Reply(http_status, json.dumps(body, separators=(",", ":")).encode())


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
    elif status.code != 400:  # noqa: PLR2004 - the documents' 400 samples hold the status alone
        body |= {"intouch": None, "promotion": None, "vendor": None}
    return service_reply(body, status.code, switches)


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
        **_payment(result),
        **_echo(order, result),
    }
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
    vouchers = [voucher_json(result, unit) | _precise_expiry(kind, unit) for unit in result.units]
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
        "restrictions": None,
        **_payment(result),
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


def _payment(result: LineResult) -> dict[str, Any]:
    plan = result.line.plan
    if not isinstance(plan, Plan) or plan.config is None or not result.quantity:
        return {"paymentConfig": None, "redemptionDetails": None}
    config: dict[str, Any] = {"paymentMode": plan.config.mode, "id": plan.config.id}
    if plan.value is None:
        return {"paymentConfig": config | {"points": float(plan.price)}, "redemptionDetails": None}
    return {
        "paymentConfig": config | {"conversionRatio": float(plan.config.ratio)},
        "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": float(plan.value)},
    }


def voucher_json(result: LineResult, unit: Unit) -> dict[str, Any]:
    """One issued unit in the format of its kind of reward; only a coupon's is fully documented."""
    reward, plan = result.line.reward, result.line.plan
    if not reward.shows_voucher:
        return {}
    voucher: dict[str, Any] = {"pointsRedeemed": str(unit.points)}
    if isinstance(plan, Plan) and plan.exact_points is not None:
        voucher["pointsRedeemedInDecimal"] = plan.exact_points
    match reward.kind:
        case "coupon":
            voucher |= {"couponCode": unit.voucher, "codeExpiry": _expiry(unit)}
        case "vendor":
            voucher |= {
                "voucher": unit.voucher,
                "valid_till": _expiry(unit)[:10],
                "offer_name": reward.name,
            }
        case "promotion":
            voucher |= {"promotionId": str(reward.reward_id), "promotionCode": unit.voucher}
    return voucher


def _precise_expiry(kind: str, unit: Unit) -> dict[str, str]:
    return {"codeExpiryDateTime": _expiry(unit).replace(" ", "T") + "Z"} if kind == "coupon" else {}


def _expiry(unit: Unit) -> str:
    return _expiry_of_day(int(unit.at // SECONDS_PER_DAY))


@lru_cache(maxsize=64)
def _expiry_of_day(day: int) -> str:
    issued = datetime.fromtimestamp(day * SECONDS_PER_DAY, UTC)
    return (issued + VOUCHERS_LAST).strftime("%Y-%m-%d %H:%M:%S")
