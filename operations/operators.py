"""The operator of an act, as the system knows it."""

from config.system_user import system_user
from ledger.audit_log import Operator


def process_operator(way: str, note: str = "", *, claimed: str = "") -> Operator:
    """Return the user of this process as an operator.

    Args:
        way: the way in: console, web, http, python or system.
        note: the reason.
        claimed: the name in `ISSUANCE_OPERATOR`.
    """
    user = system_user()
    return Operator(user.name, note, uid=user.uid, host=user.host, way=way, claimed=claimed)
