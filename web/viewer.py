"""The person behind a request."""

from dataclasses import dataclass, replace
from datetime import tzinfo
from zoneinfo import ZoneInfo

from starlette.requests import HTTPConnection

from operations.access.roles import Right
from operations.access.subject import Subject
from operations.people.external import external_subject
from operations.people.login import subject_of_session
from web.proxy import person_of_proxy
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
    has_session: bool = True
    """Whether the viewer can log out here; a proxy's people log out there."""

    @property
    def name(self) -> str:
        """The subject's name."""
        return self.subject.identity.name

    def may(self, right: str) -> bool:
        """Whether the viewer has a right, by its name in `Right`; operations check it again."""
        return self.subject.may(Right[right])


def find_viewer(site: Site, request: HTTPConnection) -> Viewer | None:
    """Return who is logged in; None: the session has ended, or there is none.

    A person whom a trusted proxy names is logged in without a session.
    """
    person = person_of_proxy(site.services.settings, request)
    if person is not None:
        subject = external_subject(site.services, site.ledger, person)
        return Viewer(subject, _zone(request), has_session=False)
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    found = subject_of_session(site.services, site.ledger, token)
    return None if found is None else Viewer(found, _zone(request))


def find_open_viewer(site: Site, request: HTTPConnection) -> Viewer | None:
    """Find the viewer for an open page, which asks each second; at most half a second late."""
    token = request.cookies.get(SESSION_COOKIE)
    key = person_of_proxy(site.services.settings, request) or token
    if key is None:
        return None
    found = site.open_pages.viewer(key, lambda: find_viewer(site, request))
    return None if found is None else replace(found, zone=_zone(request))


def _zone(request: HTTPConnection) -> tzinfo:
    name = request.cookies.get(ZONE_COOKIE, "")
    try:
        return ZoneInfo(name) if name else _UTC
    except (ValueError, OSError, KeyError):
        return _UTC
