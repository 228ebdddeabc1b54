"""Wakes the release up after work was added, before beat's next tick."""

from operations.services import Services


def wake_release(services: Services) -> str:
    """Ask for a release now; return why it must wait, or "".

    Nothing is lost without a broker: accepted work waits in the ledger.
    """
    if services.wake_up is None:
        problem = "No broker is configured or running: what is accepted waits"
    elif services.wake_up.request():
        return ""
    else:
        problem = (
            "The broker is out of reach (check ISSUANCE_BROKER_URL): what is accepted waits in "
            "the ledger"
        )
    return f"{problem}, and is released when `issuance up` or the workers run."
