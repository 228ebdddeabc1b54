"""Revoking a whole transaction: it is cancelled and its points are returned (rewards-api §9)."""

from typing import Any

from simulator.access import Caller
from simulator.calls import Call
from simulator.replies import Reply, json_reply
from simulator.statuses import (
    ALREADY_CANCELLED,
    NO_USER_REWARD,
    REVOKE_IS_OFF,
    REVOKED,
    TRANSACTION_UNKNOWN,
    Status,
    invalid,
)
from simulator.transactions import Transaction
from simulator.world import World


def revoke(world: World, call: Call, caller: Caller) -> Reply:
    """Revoke one transaction; the HTTP status is always 200, even in mode `openapi_400`."""
    world.authenticator.check_username(caller, call.query)
    transaction_id = call.fields.get("txnId")
    if isinstance(transaction_id, bool) or not isinstance(transaction_id, int):
        return json_reply(200, {"status": invalid("txnId must not be null").status.as_json()})
    found = world.accounts[caller.account].journal.find(transaction_id)
    transaction = found if found is not None and found.org_id == caller.org_id else None
    obstacle = _find_obstacle(world, transaction)
    if transaction is not None and obstacle is None:
        cancel(world, transaction)
    body: dict[str, Any] = {"status": (obstacle or REVOKED).as_json(), "txnId": transaction_id}
    if transaction is not None and transaction.units:
        body |= {"state": transaction.state, "userRewardCount": len(transaction.units)}
    return json_reply(200, body)


def _find_obstacle(world: World, transaction: Transaction | None) -> Status | None:
    if not world.switches.revoke_enable:
        return REVOKE_IS_OFF
    if transaction is None:
        return TRANSACTION_UNKNOWN
    if not transaction.units:
        return NO_USER_REWARD
    return ALREADY_CANCELLED if transaction.state == "CANCELLED" else None


def cancel(world: World, transaction: Transaction) -> None:
    """Cancel a transaction and return its points."""
    transaction.state = "CANCELLED"
    transaction.payer.points += sum(unit.points for unit in transaction.units)
    world.truth.revoked(transaction)
