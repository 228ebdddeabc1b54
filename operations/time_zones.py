"""The time zone of an API account, in which its answers give local times."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.settings import SettingsError
from operations.services import Services


def zone_of(services: Services, account: str) -> tzinfo:
    """Return the time zone of an account; UTC if the account is not there any more."""
    try:
        found = services.accounts.find(account)
        return UTC if found is None else ZoneInfo(found.time_zone)
    except (SettingsError, ZoneInfoNotFoundError, ValueError):
        return UTC
