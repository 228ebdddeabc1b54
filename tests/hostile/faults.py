"""The faults that tests use, and their shares in the measured run."""

from tests.hostile.behaviour import Fault

REPLY_LOST = Fault("close", commits=True)
BAD_GATEWAY = Fault("html", commits=True, http_status=502)
DROPPED = Fault("reset")
SERVER_ERROR = Fault("empty", http_status=500)
CUT_JSON = Fault("cut", commits=True)
THROTTLED_TWICE = Fault("gateway", http_status=429, retry_after=1, calls=2)

MEASURED_SHARES = (
    (0.05, REPLY_LOST),
    (0.05, BAD_GATEWAY),
    (0.05, DROPPED),
    (0.03, SERVER_ERROR),
    (0.02, CUT_JSON),
    (0.03, THROTTLED_TWICE),
)
"""Shares of customers whose first call fails, or first two are throttled; others meet no fault."""

ALWAYS_RESET = Fault("reset", calls=None)
ALWAYS_UNAUTHORIZED = Fault("gateway", http_status=401, calls=None)
ALWAYS_SERVER_ERROR = Fault("empty", http_status=500, calls=None)
FORBIDDEN = Fault("html", http_status=403, calls=None)
NO_SUCH_PATH = Fault("empty", http_status=404, calls=None)
REDIRECTED = Fault("redirect", http_status=301, calls=None)
UNAVAILABLE = Fault("html", http_status=503, calls=None)

ISSUED_BUT_IN_DOUBT = Fault("readable", commits=True, http_status=200, code=1010)
"""The points step failed after the issue step: only reads show the issued reward."""


def hanging(seconds: float) -> Fault:
    """Return a fault: the first call hangs this long and then succeeds."""
    return Fault("plain", seconds=seconds)


def busy(code: int, http_status: int) -> Fault:
    """Return a fault: the first call gets a readable, transient refusal."""
    return Fault("readable", http_status=http_status, code=code)
