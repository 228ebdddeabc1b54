"""The process that reads, checks or accepts an upload, and ends with the console that began it.

A million rows keep a processor busy for a minute. In a process of its own that delays no page.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog
from sqlalchemy.exc import DBAPIError

from config.accounts import Account
from config.endpoints import Servers
from config.logs import configure_logs
from config.settings import Settings
from issuance.campaign_settings import CampaignSettings
from issuance.errors import ExplainedError
from ledger.store.database import Ledger
from operations.access.subject import Subject
from operations.campaign_life import set_settings
from operations.intake import check_draft, forget_empty, prepare_campaign, store_points
from operations.services import Services
from operations.uploads.state import Progress, Seen, Stage, State
from operations.uploads.upload import Upload
from producers.accounts import choose_account
from producers.blast import BlastReport
from producers.freezing import Freezer
from producers.lint import Lint, read_rewards_file
from producers.lint.rewards_file import RewardTerms
from producers.people import accept_file, check_file
from producers.preparing import BlastOptions
from producers.source import ErrorsFile, Source
from producers.uploads.columns import read_options, see_columns
from producers.uploads.outcome import outcome_of
from producers.uploads.passed_lock import PassedLock

log = structlog.get_logger("issuance.producers")

_SHOWN_ROWS = 50


class Task(StrEnum):
    """What a process does with an upload."""

    READ = "read"
    CHECK = "check"
    ACCEPT = "accept"


class _ConsoleEndedError(Exception):
    """The console that began this process has ended."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that the process needs."""

    settings: Settings
    servers: Servers
    subject: Subject
    upload: Upload
    task: Task
    console: int
    """The process number of the console."""
    lock: PassedLock
    """The upload's."""


def run(job: Job) -> None:
    """Do the task; the lock is this process's until its end."""
    configure_logs(job.settings)
    services = Services(job.settings, job.servers)
    try:
        _Work(job, services).do()
    except _ConsoleEndedError:
        log.warning("upload_interrupted", upload=job.upload.id, task=job.task)
    finally:
        services.close()


class _Work:
    """One task on an upload."""

    def __init__(self, job: Job, services: Services) -> None:
        self._job = job
        self._services = services
        self._upload = job.upload
        self._state = job.upload.read()

    def do(self) -> None:
        """Do the task, and write its result or why it was refused."""
        does = {Task.READ: self._read, Task.CHECK: self._check, Task.ACCEPT: self._accept}
        try:
            state = does[self._job.task]()
        except _ConsoleEndedError:
            raise
        except (ExplainedError, ValueError) as error:
            state = self._refused(str(error))
        except DBAPIError as error:
            state = self._refused(f"The ledger cannot be used: {str(error.orig).splitlines()[0]}")
        except Exception as error:
            log.exception("upload_failed", upload=self._upload.id, task=self._job.task)
            kind = type(error).__name__
            state = self._refused(f"It failed ({kind}): the log of this system has the cause")
        self._upload.write(state)
        if state.stage in (Stage.UNUSABLE, Stage.ACCEPTED):
            self._upload.remove_file()

    def _refused(self, problem: str) -> State:
        before = {Task.READ: Stage.UNUSABLE, Task.CHECK: Stage.READY, Task.ACCEPT: Stage.CHECKED}
        # Where this system keeps its files is no concern of the page's reader.
        problem = problem.replace(f"{self._upload.folder}/", "")
        return replace(self._state, stage=before[self._job.task], problem=problem)

    def _read(self) -> State:
        order = self._state.order
        if self._upload.rewards is not None:
            read_rewards_file(self._upload.rewards)
        seen: Seen = see_columns(self._upload.rows, order.sheet)
        order = replace(order, sheet=seen.sheet if order.sheet else "", mapping={})
        return State(Stage.READY, seen, order)

    def _check(self) -> State:
        with self._services.open_ledger() as ledger:
            check_draft(self._job.subject, ledger, self._state.order.campaign)
            account = self._account(ledger)
            source = self._source(account)
            options, rewards = self._options(account)
            freezer = Freezer.of_settings(self._services.settings, account)
            options.check(freezer.variant)
            self._state.order.settings.applied_to(CampaignSettings(), account.time_zone)
            with self._errors(source) as errors:
                report = check_file(
                    self._job.subject,
                    self._state.order.campaign,
                    source,
                    freezer,
                    errors,
                    options=options,
                    on_batch=self._reporter(source),
                )
        return replace(
            self._state,
            stage=Stage.CHECKED,
            checked=outcome_of(report, errors, source.unit, priced=rewards is not None),
            problem="",
        )

    def _accept(self) -> State:
        self._services.use_ledger()
        subject, services, order = self._job.subject, self._services, self._state.order
        with services.open_ledger() as ledger:
            account = self._account(ledger)
            source = self._source(account)
            options, rewards = self._options(account)
            freezer = Freezer.of_settings(services.settings, account)
            prepared = prepare_campaign(
                subject,
                ledger,
                order.campaign,
                account.name,
                defer_limits=order.defer_limits,
                weight=order.settings.weight,
                is_draft=True,
                stop_loss=order.settings.stop_loss,
            )
            campaign = prepared.campaign
            try:
                if not order.settings.is_empty:
                    set_settings(subject, services, ledger, campaign.name, order.settings)
                with self._errors(source) as errors:
                    report = accept_file(
                        subject,
                        ledger,
                        campaign,
                        source,
                        freezer=freezer,
                        errors=errors,
                        options=options,
                        tracing=services.tracing,
                        on_batch=self._reporter(source),
                    )
            finally:
                is_forgotten = forget_empty(subject, ledger, prepared)
            if not is_forgotten:
                points = report.expectation.unit_points(rewards or {})
                store_points(subject, ledger, campaign.name, points)
        return replace(
            self._state,
            stage=Stage.ACCEPTED,
            accepted=outcome_of(report, errors, source.unit, priced=rewards is not None),
            campaign="" if is_forgotten else campaign.name,
            problem="",
        )

    def _account(self, ledger: Ledger) -> Account:
        order = self._state.order
        return choose_account(
            ledger, self._services.accounts, order.campaign, order.account or None
        )

    def _source(self, account: Account) -> Source:
        order = self._state.order
        country = order.country or account.country or None
        options = read_options(order, country)
        return Source(self._upload.rows, options, name=self._upload.about.name)

    def _options(
        self, account: Account
    ) -> tuple[BlastOptions, Mapping[int | str, RewardTerms] | None]:
        order, file = self._state.order, self._upload.rewards
        rewards = None if file is None else read_rewards_file(file)
        country = order.country or account.country or None
        lint = Lint(strict=order.strict, country=country, rewards=rewards)
        options = BlastOptions(
            lint,
            allow_repeats=order.allow_repeats,
            group_by_customer=order.group_by_customer,
        )
        return options, rewards

    def _errors(self, source: Source) -> ErrorsFile:
        self._upload.refused.unlink(missing_ok=True)
        return ErrorsFile(
            self._upload.refused, unit=source.unit, sheet=source.sheet, shown=_SHOWN_ROWS
        )

    def _reporter(self, source: Source) -> Callable[[BlastReport], None]:
        def report(now: BlastReport) -> None:
            share = source.bytes_read / source.size if source.size else 0.0
            self._upload.write_progress(Progress(now.rows, now.refused, share))
            if os.getppid() != self._job.console:
                raise _ConsoleEndedError

        return report
