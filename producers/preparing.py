"""Preparing: turns the rows of a campaign's file into jobs, or rows for the errors file."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line
from issuance.request_id import CampaignIds
from producers.fields.line import NO_CALL_FIELDS
from producers.fields.refusal import Refusal
from producers.freezing import Freezer
from producers.lint import Expectation, Finding, Lint, Readings, Warnings
from producers.lint.ceiling import exceeds
from producers.occurrences import Occurrence, Occurrences
from producers.source import BadRow, Row


@dataclass(frozen=True, slots=True)
class BlastOptions:
    """How to treat a file's rows.

    Attributes:
        lint: The checks of each row.
        allow_repeats: Each row of the same customer and reward is a reward of its own; otherwise
            all after the first are refused.
        group_by_customer: Rows of one customer in a batch become one job, up to the most lines of
            one call.
    """

    lint: Lint = field(default_factory=Lint)
    allow_repeats: bool = False
    group_by_customer: bool = False

    def check(self, variant: Variant) -> None:
        """Make sure that the endpoint supports the options.

        Raises:
            ValueError: it does not.
        """
        if self.group_by_customer and variant.endpoint.max_lines == 1:
            raise ValueError(
                f"--group-by-customer: the {variant} endpoint takes one reward a call; "
                "set ISSUANCE_API_VARIANT=bulk"
            )


@dataclass(slots=True)
class Prepared:
    """The result of preparing a batch of rows."""

    rows: int = 0
    jobs: list[Job] = field(default_factory=list)
    refused: list[BadRow] = field(default_factory=list)


class _Asked(NamedTuple):
    """A good row that is not in a job yet; a row with several rewards has several lines."""

    row: Row
    customer: Customer
    lines: tuple[Line, ...]
    occurrence: int


class Preparer:
    """Prepares the rows of one file.

    Args:
        ids: derives the campaign's requestIds.
        freezer: makes the bodies.
        options: how to treat the rows.
        occurrences: counts the rows; required if repeats are allowed. If they are not, repeats are
            refused here instead of at acceptance.
        unit: what a row's number counts, as `Source.unit` says.

    Raises:
        ValueError: the options group rows, and the endpoint is `single`.
    """

    def __init__(
        self,
        ids: CampaignIds,
        freezer: Freezer,
        options: BlastOptions,
        occurrences: Occurrences | None = None,
        *,
        unit: str = "line",
    ) -> None:
        options.check(freezer.variant)
        self.warnings = Warnings()
        self.readings = Readings()
        self.expectation = Expectation()
        self._ids = ids
        self._freezer = freezer
        self._options = options
        self._occurrences = occurrences
        self._unit = unit

    def prepare(self, rows: Iterable[Row | BadRow]) -> Prepared:
        """Prepare a batch: jobs keep the order of their first rows; a bad row affects no other."""
        prepared = Prepared()
        good: list[_Asked] = []
        for row in rows:
            if isinstance(row, BadRow):
                prepared.rows += 1
                prepared.refused.append(row)
                continue
            # A row counts once for each of its rewards, in every count of the report.
            rewards = 1 + len(row.more)
            prepared.rows += rewards
            try:
                good.append(self._ask_together(row) if row.more else self._ask(row))
            except Refusal as refusal:
                bad = BadRow(row.line, refusal.field, refusal.problem, refusal.remedy)
                prepared.refused += [bad] * rewards
        groups = (
            self._group(good) if self._options.group_by_customer else [[asked] for asked in good]
        )
        prepared.jobs = [self._freeze(group) for group in groups]
        return prepared

    def _ask(self, row: Row) -> _Asked:
        asked, findings = self._check(row)
        if row.call is not NO_CALL_FIELDS:
            self._freezer.check(row.call, asked.lines)
        if findings or row.read_as or self._options.lint.rewards is not None:
            self._note(row, findings)
        return asked

    def _ask_together(self, row: Row) -> _Asked:
        """Ask for all rewards of a row in one call; if one is refused, so is the row."""
        rows = [replace(row, reward=reward, more=()) for reward in (row.reward, *row.more)]
        if len({each.reward.reference for each in rows}) < len(rows):
            raise Refusal(
                "rewards names the same reward twice",
                "give it once, with its quantity, or in a row of its own",
                "rewards",
            )
        checked = [self._check(each) for each in rows]
        lines = tuple([line for asked, _ in checked for line in asked.lines])
        self._freezer.check(row.call, lines)
        for each, (_, findings) in zip(rows, checked, strict=True):
            self._note(each, findings)
        return checked[0][0]._replace(row=row, lines=lines)

    def _check(self, row: Row) -> tuple[_Asked, list[Finding]]:
        customer = Customer(row.identifier.kind, row.identifier.value)
        # A row that is refused below counts too: once it is fixed, the rows after it must keep
        # their requestIds.
        occurrence = self._count(customer, row).number if self._options.allow_repeats else 1
        request_id = self._ids.derive(customer, row.reward.reference, occurrence=occurrence)
        line = self._freezer.line(request_id, row.reward, row.line, row.call)
        findings = self._options.lint.inspect(row, self._freezer.variant)
        if findings and findings[0].refuses:
            raise _refusal(findings[0])
        if self._occurrences is not None and not self._options.allow_repeats:
            self._refuse_repeat(customer, row)
        return _Asked(row, customer, (line,), occurrence), findings

    def _note(self, row: Row, findings: list[Finding]) -> None:
        """Count an accepted row's warnings and cost."""
        if findings:
            self.warnings.add(row.line, findings)
        if row.read_as:
            self.readings.add(row.line, row.read_as)
        if self._options.lint.rewards is not None:
            self.expectation.add(
                row.reward,
                self._options.lint.rewards[row.reward.reference],
                self._freezer.variant,
            )

    def _count(self, customer: Customer, row: Row) -> Occurrence:
        if self._occurrences is None:
            raise ValueError(
                "Repeats are distinguished by counting: give the preparer its occurrences"
            )
        return self._occurrences.count(customer, row.reward.reference, row.line)

    def _refuse_repeat(self, customer: Customer, row: Row) -> None:
        seen = self._count(customer, row)
        if seen.number > 1:
            raise repeat(f"{self._unit} {seen.first_line}")

    def _group(self, good: Iterable[_Asked]) -> list[list[_Asked]]:
        """Group rows that fit into one call: same customer, same fields of the call."""
        groups: list[list[_Asked]] = []
        latest: dict[object, list[_Asked]] = {}
        for asked in good:
            # Different occurrences never share a call: a reply may name only the reward, and could
            # not be matched.
            key = (asked.customer, asked.occurrence, asked.row.call)
            group = latest.get(key)
            if asked.row.more:
                groups.append([asked])  # its rewards are a call of their own
            elif exceeds(asked.lines[0], self._freezer.max_quantity):
                groups.append([asked])  # acceptance refuses it, and no other row with it
            elif group is not None and any(
                other.lines[0].request_id == asked.lines[0].request_id for other in group
            ):
                groups.append([asked])  # a repeat, which acceptance refuses
            elif group is not None and len(group) < self._freezer.max_lines:
                group.append(asked)
            else:
                latest[key] = [asked]
                groups.append(latest[key])
        return groups

    def _freeze(self, group: list[_Asked]) -> Job:
        first = group[0]
        return self._freezer.freeze(
            first.customer,
            first.lines if len(group) == 1 else tuple([asked.lines[0] for asked in group]),
            lane=Lane.BLAST,
            call=first.row.call,
            occurrence=first.occurrence,
        )


def repeat(first: str) -> Refusal:
    """Return the refusal of a row that repeats an earlier row, named by `first`."""
    return Refusal(
        f"the same customer and reward as {first}",
        "remove the row, or say with --allow-repeats that each row is a reward of its own",
    )


def _refusal(finding: Finding) -> Refusal:
    return Refusal(finding.problem, finding.remedy, finding.field)
