"""The report of a closed campaign: made, recorded with its SHA-256, and verified later."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from issuance.closing.canonical import canonical, digest
from ledger.audit_effects import record_act
from ledger.audit_log import CAMPAIGN, AuditEntry, campaign_target
from ledger.campaigns import CampaignError
from ledger.queries.audit_entries import entry_with
from ledger.queries.audit_verification import verify_audit_log
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.report.facts import FORMAT, read_facts
from operations.report.page import html_report
from operations.report.rows import csv_report


class Form(StrEnum):
    """How a report is written."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


_WRITERS: Final[Mapping[Form, Callable[[Mapping[str, Any]], bytes]]] = {
    Form.HTML: html_report,
    Form.JSON: canonical,
    Form.CSV: csv_report,
}
_VERB = "report"


@dataclass(frozen=True, slots=True)
class Report:
    """A report in one form."""

    campaign: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The digest that the audit log has."""
        return digest(self.content)


@needs(Right.VIEW)
def make_report(
    subject: Subject, ledger: Ledger, name: str, forms: Collection[Form] = (Form.HTML,)
) -> dict[Form, Report]:
    """Make the report of a closed campaign, and record the SHA-256 of each form.

    The same ledger gives the same bytes: the entries of earlier reports change nothing.

    Raises:
        CampaignError: there is no such campaign, or it is not closed.
    """
    made = _make(ledger, name, forms)
    for form, report in made.items():
        after = f"{form}, format {FORMAT}, sha256 {report.sha256}"
        record_act(ledger, subject.acting(), _VERB, campaign_target(report.campaign), after=after)
    return made


def _make(ledger: Ledger, name: str, forms: Collection[Form]) -> dict[Form, Report]:
    with ledger.read() as connection:
        facts = read_facts(connection, name)
    campaign = facts["statement"]["campaign"]["name"]
    return {form: Report(campaign, _WRITERS[form](facts)) for form in Form if form in forms}


@dataclass(frozen=True, slots=True)
class Verified:
    """What a ledger knows of a file."""

    sha256: str
    entry: AuditEntry | None
    """The first entry that has this digest; None: this ledger never gave such a file."""
    log_problem: str
    """What is wrong with the audit log; "": it is unbroken."""
    is_same: bool = False
    """Whether the ledger would give the same bytes today."""
    difference: str = ""
    """Why it would not."""

    @property
    def campaign(self) -> str:
        """The campaign's name, if the file is known."""
        return "" if self.entry is None else self.entry.target.removeprefix(CAMPAIGN)


@needs(Right.VIEW)
def verify_report(subject: Subject, ledger: Ledger, content: bytes) -> Verified:
    """Find a file's SHA-256 in the audit log, verify that log, and make the report again."""
    sha256 = digest(content)
    entry = entry_with(ledger, _VERB, sha256)
    problem = verify_audit_log(ledger).problem
    if entry is None:
        return Verified(sha256, None, problem)
    difference = _difference(ledger, entry, sha256)
    return Verified(sha256, entry, problem, not difference, difference)


def _difference(ledger: Ledger, entry: AuditEntry, sha256: str) -> str:
    """Say why the ledger would give other bytes today; "": it gives the same."""
    form, written = entry.after.split(", ")[:2]
    if written != f"format {FORMAT}":
        return f"this version of the program writes format {FORMAT}, and the file has {written}"
    try:
        made = _make(ledger, entry.target.removeprefix(CAMPAIGN), [Form(form)])
    except CampaignError as error:
        return str(error)
    if made[Form(form)].sha256 == sha256:
        return ""
    return (
        "jobs were pruned or lines changed since, or the ledger was changed. `issuance campaign "
        f"statement {made[Form(form)].campaign}` still has the numbers that were signed"
    )
