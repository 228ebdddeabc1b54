"""Compares the ledger with the simulator's truth, requestId by requestId."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Any

import httpx

from issuance.states import SETTLED, State
from ledger.queries.outcomes import LineRecord
from tests.e2e.matrix_rounds import PRICES

_TILL = ("demo.till", md5(b"demo", usedforsecurity=False).hexdigest())
_CORE = "/api_gateway/rewards/core/v1"


@dataclass(frozen=True)
class Books:
    """A blast's lines at one moment, with the truth of that moment.

    Attributes:
        lines: the ledger's.
        truth: requestId → what the API did; without requestIds that no call reached.
        are_ids_spoilt: replies name one transaction for all lines (rewards-api §4.3 (d)).
        readable: requestIds in doubt that the API's transactions nevertheless show.
    """

    lines: list[LineRecord]
    truth: Mapping[str, dict[str, Any]]
    are_ids_spoilt: bool
    readable: frozenset[str]

    def double(self) -> list[str]:
        """Lines with too many units issued or charged."""
        return [self._show(line) for line in self.lines if self._is_double(line)]

    def unknown(self) -> list[str]:
        """Lines whose units, vouchers or transactions differ from the truth."""
        return [self._show(line) for line in self.lines if not self._is_known(line)]

    def untrue(self) -> list[str]:
        """Lines in a wrong state; in doubt is right only if no read shows the outcome."""
        return [self._show(line) for line in self.lines if not self._is_true(line)]

    def in_doubt(self) -> list[LineRecord]:
        return [line for line in self.lines if line.state is State.IN_DOUBT]

    def _issued(self, line: LineRecord) -> int:
        issued: int = self.truth.get(line.request_id, {"issued": 0})["issued"]
        return issued

    def _is_double(self, line: LineRecord) -> bool:
        issued, entry = self._issued(line), self.truth.get(line.request_id, {})
        charged = entry.get("pointsCharged", 0)
        return issued > line.requested_quantity or charged != issued * PRICES.get(line.reward_id, 0)

    def _is_known(self, line: LineRecord) -> bool:
        entry = self.truth.get(line.request_id)
        if entry is None:
            return not (line.vouchers or line.quantity)
        taken_back = set(entry["reversedVouchers"]) - set(entry["vouchers"])
        return (
            set(line.vouchers) - taken_back == set(entry["vouchers"])
            and (
                self.are_ids_spoilt
                or {*map(str, entry["transactionIds"])} <= set(line.transaction_ids)
            )
            and (line.quantity or 0) == entry["issued"]
        )

    def _is_true(self, line: LineRecord) -> bool:
        if line.state is State.IN_DOUBT:
            return not self._issued(line) and line.request_id not in self.readable
        by_units = {line.requested_quantity: State.ISSUED, 0: State.FAILED}
        return line.state in SETTLED and line.state is by_units.get(
            self._issued(line), State.PARTIAL
        )

    def _show(self, line: LineRecord) -> str:
        entry = self.truth.get(line.request_id, {})
        known = (
            f"{line.state} with {line.quantity} of {line.requested_quantity}, "
            f"{len(line.vouchers)} vouchers"
        )
        true = (
            f"{entry.get('issued')} units, {len(entry.get('vouchers', ()))} vouchers "
            f"in {entry.get('calls')} calls"
        )
        return (
            f"{line.customer.value} reward {line.reward_id}: {known}; in truth {true}; "
            f"{line.code} {line.message}"
        )


def has_transaction(simulator: httpx.Client, line: LineRecord) -> bool:
    """Whether the API itself lists a transaction of this line's job and reward."""
    query = {
        "source": "INSTORE",
        "identifierName": line.customer.kind,
        "identifierValue": line.customer.value,
    }
    customer = simulator.get("/v2/customers/lookup", params=query, auth=_TILL).json()
    if "entity" not in customer:
        return False
    path = f"{_CORE}/management/customer/{customer['entity']}/issuals"
    listed = (
        simulator.get(path, params={"rewardId": line.reward_id}, auth=_TILL)
        .raise_for_status()
        .json()
    )
    return any(
        entry["rewardIssueRefId"] == line.job_id for entry in listed["rewardIssueTransactions"]
    )
