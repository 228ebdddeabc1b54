"""The contradictions found in the documents' own bulk samples, made on purpose (§4.3)."""

from typing import Any, assert_never

from simulator.statuses import ISSUED, PARTIAL, Status
from simulator.switches import Anomaly


def contradict(body: dict[str, Any], anomaly: Anomaly) -> dict[str, Any]:
    """Change a bulk reply's body as the switch `toplevel_anomaly` says; the records stay true."""
    entries = body["rewards"]
    all_issued = all(entry["status"]["code"] == ISSUED.code for entry in entries)
    match anomaly:
        case "issued_as_partial":
            if all_issued:
                body["status"] = Status(PARTIAL.code, ISSUED.message).as_json()
        case "partial_as_issued":
            if not all_issued:
                body["status"] = ISSUED.as_json()
        case "quantity_overstated":
            if all_issued:
                entries[0] |= {"status": PARTIAL.as_json(), "quantity": entries[0]["quantity"] + 1}
        case "transaction_shared":
            for entry in entries:
                entry["transactionId"] = entries[0].get("transactionId")
        case "off":
            pass
        case _:
            assert_never(anomaly)
    return body
