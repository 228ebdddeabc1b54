"""The forecast of a campaign before it runs."""

from datetime import UTC, datetime

from issuance.states import CampaignState
from ledger.queries.open_work import read_open_work
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.forecast.outlook import Ends
from operations.forecast.reader import OutlookReader, make_ends
from operations.limits import known_limits
from operations.services import Services


@needs(Right.VIEW)
def forecast_plan(subject: Subject, services: Services, ledger: Ledger, name: str) -> Ends | None:
    """Forecast when a campaign would end if it started at its start time, or now.

    It shares its account with the campaigns that run or are scheduled, by weight.

    Args:
        subject: asks for it.
        services: this process's services.
        ledger: the record.
        name: the campaign's.

    Returns:
        None: it has no lines to go, or the speed is unknown: no rate is set and no call was made.
    """
    now = datetime.now(UTC)
    limits = known_limits(subject, services, ledger)
    with ledger.read() as connection:
        works = read_open_work(connection, names=[name], most_later=1)
        own = next((each for each in works if each.name == name), None)
        if own is None:
            return None
        running = [
            each for each in works if each.state in (CampaignState.RUNNING, CampaignState.SCHEDULED)
        ]
        found = OutlookReader(services, connection, now, limits).forecast(own, works, running)
    return None if found is None else make_ends(found, now)
