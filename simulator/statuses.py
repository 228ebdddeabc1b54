"""The codes and messages of the rewards API, as documented (rewards-api §6)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Status:
    """A reply's `status`; `partner` is a (code, message) pair of the points engine or a vendor."""

    code: int
    message: str
    partner: tuple[str, str] | None = None

    @property
    def success(self) -> bool:
        """Whether the code is 200, the only successful one."""
        return self.code == 200  # noqa: PLR2004 - the API's own number

    def as_json(self) -> dict[str, Any]:
        """The object in the format of a reply."""
        body: dict[str, Any] = {"success": self.success, "code": self.code, "message": self.message}
        if self.partner is not None:
            body["partnerError"] = {"codes": [self.partner[0]], "messages": [self.partner[1]]}
        return body


class RefusalError(Exception):
    """The whole call is refused: the reply holds only this status, and no reward is touched."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


class GatewayError(Exception):
    """The gateway answers with its own HTTP status: the call does not reach the rewards API."""

    def __init__(self, http_status: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.message = message


NOT_A_MEMBER = "1620"

ISSUED = Status(200, "Reward issued successfully")
PARTIAL = Status(8010, "Reward issued partially")
ALL_FAILED = Status(8003, "fail to issue reward as all rewards issue failed")

DUPLICATE_REQUEST_ID = Status(400, "Duplicate requestId")
PAYMENT_CONFIG_ID_MISSING = Status(
    400, "Invalid payment mode passed.,Payment configuration id is mandatory"
)
BATCH_TOO_LARGE = Status(1060, "Batch limit exceeded")
BRAND_NOT_FOUND = Status(3004, "Brand not found")
EXTERNAL_ID_UNKNOWN = Status(6080, "Reward external id is not valid")
EXTERNAL_ID_MISMATCH = Status(6082, "Reward external id does not match the reward id")
NO_VALIDATION_CODE = Status(8003, "fail to issue reward as validation code is not present")
REWARD_UNKNOWN = Status(8003, "fail to issue reward as Reward is not found")
REWARD_NOT_AVAILABLE = Status(
    8003, "fail to issue reward as Reward is disabled or not started yet or expired"
)
OWNER_MISSING = Status(8003, "fail to issue reward as reward owner is mandatory")
OWNER_INVALID = Status(8003, "fail to issue reward as reward owner is not valid")
VOUCHER_MISSING = Status(8003, "fail to issue reward as voucher is not present")
CUSTOMER_UNKNOWN = Status(8004, "fail to issue reward as customer lookup failed")
NO_IDENTIFIER = Status(8004, "fail to issue reward as primary identifier is missing")
NOT_REDEEMABLE = Status(
    8004,
    "fail to issue reward as  points are not redeemable",
    ("828", "points redemption rules/configuration not allowing redemption"),
)
KEY_MISMATCH = Status(10003, "Request payload is not matching for the passed requestId/s")
CUSTOMER_BUSY = Status(
    10004, "Parallel calls for the same customer are not allowed, one call at a time is processed"
)
PAYMENT_CONFIG_INVALID = Status(12016, "Invalid payment mode passed.")
NOT_IN_SEGMENT = Status(
    12034, "User Doesn't Belong To Segment Partition Defined For Reward Segment"
)
PAYMENT_CONFIG_AMBIGUOUS = Status(
    12035, "Payment mode should be passed as multiple payment configurations exist for the reward"
)
NO_VALID_CARD = Status(12050, "User has no valid cards from card series linked to the reward.")
MANY_ACTIONS = Status(521, "multiple actions are running for the same customer, try later")
READ_NOT_FOUND = Status(6004, "Reward not found or disabled")
READ_PAGE_INVALID = Status(8009, "Invalid page or size")

REVOKED = Status(200, "Reward transaction revoked successfully")
TRANSACTION_UNKNOWN = Status(10007, "Reward transaction not found")
NO_USER_REWARD = Status(10008, "User reward not found")
ALREADY_CANCELLED = Status(13003, "Reward transaction is not in ISSUED state")
REVOKE_IS_OFF = Status(13005, "Revoke is not enabled for the brand")
POINTS_NOT_REDEEMED = Status(1010, "Failed to redeem points")

# The texts of `outcome` faults that give only a code.
KNOWN = {
    status.code: status
    for status in (
        PARTIAL,
        REWARD_NOT_AVAILABLE,
        NOT_REDEEMABLE,
        PAYMENT_CONFIG_INVALID,
        NOT_IN_SEGMENT,
        PAYMENT_CONFIG_AMBIGUOUS,
        NO_VALID_CARD,
        BRAND_NOT_FOUND,
        CUSTOMER_BUSY,
        KEY_MISMATCH,
        MANY_ACTIONS,
        POINTS_NOT_REDEEMED,
    )
}


def status_of(code: int, message: str | None, partner: tuple[str, str] | None) -> Status:
    """The status of a code; without a message it has the documented text."""
    if message is None and code in KNOWN:
        return KNOWN[code]
    return Status(code, message or "Something went wrong", partner)


def invalid(message: str) -> RefusalError:
    """A bean-validation refusal (body code 400) with the field in the message."""
    return RefusalError(Status(400, message))


def not_in_group(customer_id: int, group_id: int) -> RefusalError:
    """8004 with partner code 1620, in the documented wording."""
    text = f"user {customer_id} does not belong to group {group_id}"
    return RefusalError(Status(8004, f"fail to issue reward as {text}", (NOT_A_MEMBER, text)))


def group_unknown(given: object) -> RefusalError:
    """8004 with partner code 1632, in the documented wording."""
    text = f"group id/externalId/primary userId {given} passed is not valid"
    return RefusalError(Status(8004, NOT_REDEEMABLE.message, ("1632", text)))


def limit_reached(period: str, allowed: int, level: str) -> Status:
    """12005 in the documented wording; `period` is DAYS, WEEKS, …; `level` CUSTOMER or REWARD."""
    return Status(
        12005,
        "Reward constraint evaluation failed. Request failed. "
        f"Max limit for the {period} is reached. Allowed limit is {allowed} For Level {level}",
    )
