"""Names of IANA time zones in catalogues and switches."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def _existing(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone, such as Asia/Kolkata") from error
    return name


TimeZone = Annotated[str, AfterValidator(_existing)]
