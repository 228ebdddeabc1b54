"""What all pages use: services, ledger, shared values and templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ledger.store.database import Ledger
from operations.people.oidc.provider import Provider
from operations.series.calls import SeriesCache
from operations.services import Services
from operations.status import Presence
from web.filters import FILTERS
from web.health import Health
from web.newest import Newest
from web.open_pages import OpenPages
from web.plans import Plans
from web.shared import Shared
from web.tasks import Tasks
from web.verifying import Verifying

_PRESENCE_SECONDS = 5.0
"""Between two calls of the roll of the worker processes."""
_FOLDER = Path(__file__).parent
_CHARTS_SECONDS = 5.0
_RARELY_SECONDS = 15.0
STATIC = _FOLDER / "static"
OIDC_CALLBACK = "/login/oidc/callback"
"""Where the OpenID Connect provider sends people back to."""


def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


@dataclass(frozen=True)
class Site:
    """One web process."""

    services: Services
    ledger: Ledger
    url: str
    """The address that people open, without a path."""
    shared: Shared = field(default_factory=Shared)
    rarely: Shared = field(default_factory=lambda: Shared(fresh_seconds=_RARELY_SECONDS))
    """For readings of many rows."""
    templates: Environment = field(default_factory=_templates)

    plans: Plans = field(default_factory=Plans)
    making_report: Lock = field(default_factory=Lock)
    """Held while a report is made: that of a large campaign takes half a minute."""
    presence: Newest[Presence] = field(default_factory=lambda: Newest(_PRESENCE_SECONDS))
    charts: Shared = field(default_factory=lambda: Shared(fresh_seconds=_CHARTS_SECONDS))
    series: SeriesCache = field(default_factory=SeriesCache)
    tasks: Tasks = field(default_factory=Tasks)

    @cached_property
    def health(self) -> Health:
        """The health verdict that all pages share."""
        return Health(self.services)

    @cached_property
    def verifying(self) -> Verifying:
        """The verification of the audit log that all pages share."""
        return Verifying()

    @cached_property
    def provider(self) -> Provider | None:
        """The provider by which people log in; None: there is none."""
        settings = self.services.settings
        has_one = bool(settings.web_oidc_issuer)
        return Provider(settings, f"{self.url}{OIDC_CALLBACK}") if has_one else None

    @cached_property
    def open_pages(self) -> OpenPages[Any]:
        """The people behind open pages."""
        return OpenPages(self.services, self.ledger)

    @property
    def is_secure(self) -> bool:
        """Whether people come by HTTPS."""
        return self.url.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that a request may name: the address, and on this machine its other names."""
        found = urlsplit(self.url)
        port = f":{found.port}" if found.port else ""
        names = {found.netloc}
        if found.hostname in ("127.0.0.1", "localhost", "::1"):
            names |= {f"{name}{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        return frozenset(names)

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """Fill a template."""
        return self.templates.get_template(template).render(values)
