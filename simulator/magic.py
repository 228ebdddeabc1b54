"""Magic customers: identifiers with these endings meet these faults, one per call, then none."""

from typing import Any, Final

# They need no configuration in a demo file. 9109 meets its fault on every call.
MAGIC: Final[dict[str, tuple[Any, ...]]] = {
    "9001": ("timeout_after_commit",),
    "9002": ("502_html",),
    "9003": ({"kind": "429", "retry_after_seconds": 1},),
    "9004": ("reset_before",),
    "9005": ("503", "503", "503"),
    "9006": ("reset_after_commit",),
    "9007": ("truncated_json_after_commit",),
    "9008": ("empty_200",),
    "9009": ("521",),
    "9010": ("401",),
    "9011": ({"kind": "code", "code": 10004},),
    "9101": ({"kind": "outcome", "code": 8010, "units": 1},),
    "9102": ({"kind": "outcome", "code": 8003},),
    "9103": ({"kind": "outcome", "code": 8004},),
    "9104": (
        {
            "kind": "outcome",
            "code": 12005,
            "message": "Reward constraint evaluation failed. Request failed. "
            "Max limit for the DAYS is reached. Allowed limit is 1 For Level CUSTOMER",
        },
    ),
    "9105": ({"kind": "outcome", "code": 12034},),
    "9106": ({"kind": "outcome", "code": 12050},),
    "9107": ({"kind": "code", "code": 3004},),
    "9108": ({"kind": "code", "code": 77001, "message": "An undocumented problem"},),
    "9109": ("504_html_after_commit",),
    "9110": (
        {
            "kind": "outcome",
            "code": 8003,
            "message": "fail to issue reward as voucher is not present",
        },
    ),
    "9111": ({"kind": "outcome", "code": 1010},),
}
