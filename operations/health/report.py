"""The health checks as an operator asks for them."""

from collections.abc import Iterable

from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.health.checks import checks_of
from operations.health.runner import CHECK_SECONDS, Component, Report, run_checks
from operations.services import Services


@needs(Right.VIEW)
def check_health(
    subject: Subject, services: Services, wanted: Iterable[Component], *, here: bool
) -> Report:
    """Check components and what they need; `here`: count only this machine's processes."""
    return run_checks(checks_of(services, here=here), wanted, check_seconds=CHECK_SECONDS)
