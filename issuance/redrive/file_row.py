"""A job's lines as a row of a campaign's file: what the caller gave, without what we added."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.redrive.narrow import narrow_content

_OURS = ("brand", "transactionNumber", "requestId")
_IDENTIFIERS = ("mobile", "email", "emailId", "externalId")


def file_row(
    variant: Variant,
    body: bytes,
    customer: Customer,
    scope: str | None,
    reward_ids: Mapping[str, int],
) -> dict[str, Any]:
    """Return the row, nested as the API's body is; a file with it asks for the same rewards.

    A `transactionNumber` that the caller gave is left out, because each job needs its own.

    Args:
        variant: the job's endpoint.
        body: the frozen body.
        customer: the job's customer.
        scope: the call's scope, as the job has it.
        reward_ids: the rewards of the lines to keep, by requestId; at least one.
    """
    content = from_json(body)
    if not variant.endpoint.flat:
        narrow_content(content, reward_ids)
        content["rewards"] = [
            {name: value for name, value in reward.items() if name != "requestId"}
            for reward in content["rewards"]
        ]
    row: dict[str, Any] = {customer.kind: customer.value}
    if variant.endpoint.reward_in_path:
        row["rewardId"] = next(iter(reward_ids.values()))
    for name, value in content.items():
        if name not in (*_OURS, *_IDENTIFIERS) and (kept := _kept(name, value)):
            row[name] = kept
    if scope is not None:
        row["dataScope"] = scope.partition(":")[0]
    return row


def _kept(name: str, value: Any) -> Any:
    """Leave out organisations without details: acceptance completes them from the rewards."""
    if name != "orgLevelDetails":
        return value
    return [org for org in value if len(org) > 1]
