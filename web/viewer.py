"""The person behind a request."""

from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from starlette.requests import HTTPConnection

from operations.access.roles import Right
from operations.access.subject import Subject
from operations.people.login import subject_of_session
from web.site import Site

SESSION_COOKIE = "issuance_session"
ZONE_COOKIE = "issuance_zone"
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who is logged in."""

    subject: Subject
    zone: tzinfo
    """Of the browser; UTC until it has said which."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return self.subject.identity.name

    def may(self, right: str) -> bool:
        """Whether the viewer has a right, by its name in `Right`; operations check it again."""
        return self.subject.may(Right[right])


def find_viewer(site: Site, request: HTTPConnection) -> Viewer | None:
    """Return who is logged in; None: the session has ended, or there is none."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    subject = subject_of_session(site.services, site.ledger, token)
    return None if subject is None else Viewer(subject, _zone(request))


def _zone(request: HTTPConnection) -> tzinfo:
    name = request.cookies.get(ZONE_COOKIE, "")
    try:
        return ZoneInfo(name) if name else _UTC
    except (ValueError, OSError, KeyError):
        return _UTC
