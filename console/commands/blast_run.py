"""The run of a blast: accepts or checks a file's rows, and reports them."""

import sys
from collections.abc import Mapping

from console.commands.interruption import interruptible
from console.commands.wait import wait_for_campaign
from console.commands.wake_up import WakeUp
from console.rendering.blast_progress import blast_progress
from console.rendering.campaign import balance_lines
from console.rendering.layout import say
from console.rendering.lint_report import expectation_lines, show_readings, show_warnings
from console.rendering.refused_rows import ShownErrors
from console.rendering.source_notes import show_understood
from console.terminal import EXIT_INTERRUPTED, remark
from issuance.campaign_settings import GivenSettings
from issuance.states import CampaignState
from ledger.campaigns import Campaign
from ledger.store.database import Ledger
from operations.access.subject import Subject
from operations.campaign_life import set_settings, submit
from operations.campaigns import read_state
from operations.formats import counted
from operations.intake import Prepared, prepare_campaign, store_points
from operations.next_step import HELD, read_next_step
from operations.services import Services
from producers.blast import BlastReport
from producers.freezing import Freezer
from producers.lint.rewards_file import RewardTerms
from producers.people import accept_file, check_file
from producers.preparing import BlastOptions
from producers.source import Source


def make_campaign(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    name: str,
    account: str,
    *,
    defer_limits: bool,
    settings: GivenSettings,
    is_draft: bool,
) -> Prepared:
    """Find or create the campaign, apply its options, and say what that means."""
    weight = settings.weight
    prepared = prepare_campaign(
        subject,
        ledger,
        name,
        account,
        defer_limits=defer_limits,
        weight=weight,
        is_draft=is_draft,
        asks_approval=services.settings.approval_policy.is_set,
        stop_loss=settings.stop_loss,
    )
    campaign = prepared.campaign
    name = campaign.name
    if defer_limits and not campaign.defers_limits:
        remark(f"{name} was created without --defer-limits; that cannot be changed.")
    if prepared.weight_set:
        before = prepared.weight_before
        was = "" if before is None else f"; it was {before}"
        remark(f"{name}'s weight is {weight} from now on{was}.")
    if campaign.state is CampaignState.PAUSED:
        remark(f"{name} is paused: nothing is issued until it is resumed.")
    if not is_draft:  # the weight is set already
        settings = GivenSettings(stop_loss=None if prepared.is_new else settings.stop_loss)
    if not settings.is_empty:
        changed = set_settings(subject, services, ledger, name, settings)
        if changed.after:
            remark(f"{name}: {changed.after}.")
    return prepared


def end_file(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    prepared: Prepared,
    report: BlastReport,
    *,
    rewards: Mapping[int | str, RewardTerms] | None,
) -> bool:
    """Store the expected points, submit where the policy asks, and say what is next.

    Returns:
        Whether its rows are issued without another step.
    """
    name = prepared.campaign.name
    if not report.accepted and not report.known:
        return False
    store_points(subject, ledger, name, report.expectation.unit_points(rewards or {}))
    if prepared.submits:
        submitted = submit(subject, services, ledger, name)
        if submitted.excess:
            remark(f"{name} is submitted, and not started: {submitted.excess}.")
    todo = read_next_step(subject, ledger, name)
    if todo:
        remark(f"Next: {todo}")
    return read_state(subject, ledger, name) not in HELD


def accept_rows(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    campaign: Campaign,
    source: Source,
    *,
    errors: ShownErrors,
    freezer: Freezer,
    options: BlastOptions,
    replaces: str | None = None,
) -> BlastReport:
    """Accept a file's rows, and report them and what they replace."""
    names = dict(source.understood)
    wake_up = WakeUp(services)
    report = BlastReport()
    try:
        with (
            errors,
            interruptible(source.interrupt) as check_interrupted,
            blast_progress(source) as show_progress,
        ):

            def on_batch(report_now: BlastReport) -> None:
                nonlocal report
                report = report_now
                show_progress(report_now)
                wake_up.request()
                check_interrupted()

            report = accept_file(
                subject,
                ledger,
                campaign,
                source,
                freezer=freezer,
                errors=errors,
                options=options,
                replaces=replaces,
                tracing=services.tracing,
                on_batch=on_batch,
            )
    except KeyboardInterrupt:
        say(
            f"{_summary(campaign.name, report, errors)}: interrupted; "
            "run it again to accept the rest"
        )
        sys.exit(EXIT_INTERRUPTED)
    except Exception:
        errors.show()
        if report.rows:
            remark(f"{_summary(campaign.name, report, errors)}, before this error:")
        raise
    show_understood(_new_names(source, names))
    errors.show()
    show_readings(report.readings, source.unit)
    show_warnings(report.warnings, source.unit, accepted=True)
    say(_summary(campaign.name, report, errors))
    if replaces is not None:
        say(_correction(replaces, report))
    return report


def _correction(campaign: str, report: BlastReport) -> str:
    done = report.corrected
    if done is None:
        return f"{campaign}: nothing replaced"
    unsent = f" ({done.unsent:,} of them not sent yet)" if done.unsent else ""
    if not done.kept:
        return f"{campaign}: {done.replaced:,} replaced{unsent}"
    kept = ", ".join(f"{count:,} {why}" for why, count in sorted(done.kept.items()))
    return (
        f"{campaign}: {done.replaced:,} replaced{unsent}; not touched, because they may be "
        f"issued: {kept}"
    )


def _new_names(source: Source, known: Mapping[str, str]) -> dict[str, str]:
    """Return the names of JSON keys that were understood since the file's check."""
    found = source.understood.items()
    return {theirs: ours for theirs, ours in found if theirs not in known}


def _summary(campaign: str, report: BlastReport, errors: ShownErrors) -> str:
    where = f" ({errors.whereabouts})" if report.refused else ""
    jobs = f" in {counted(report.jobs, 'job')}" if report.jobs < report.accepted else ""
    return (
        f"{campaign}: {report.accepted:,} accepted{jobs}, {report.known:,} already known, "
        f"{report.refused:,} refused "
        f"of {counted(report.rows, 'row')}{where}"
    )


def check_only(
    subject: Subject,
    campaign: str,
    source: Source,
    *,
    errors: ShownErrors,
    freezer: Freezer,
    options: BlastOptions,
) -> BlastReport:
    """Check a file's rows, and report them."""
    names = dict(source.understood)
    with errors:
        report = check_file(subject, campaign, source, freezer, errors, options=options)
    show_understood(_new_names(source, names))
    errors.show()
    show_readings(report.readings, source.unit)
    show_warnings(report.warnings, source.unit, accepted=False)
    if options.lint.rewards is not None:
        for line in expectation_lines(report.expectation):
            say(line)
    where = f" ({errors.whereabouts})" if report.refused else ""
    jobs = f" in {counted(report.jobs, 'job')}" if report.jobs < report.accepted else ""
    say(
        f"{campaign}: dry run, nothing accepted; {report.accepted:,} good{jobs}, "
        f"{report.refused:,} refused "
        f"of {counted(report.rows, 'row')}{where}"
    )
    return report


def wait_until_settled(subject: Subject, services: Services, ledger: Ledger, campaign: str) -> None:
    """Wait for all lines of a campaign, and print its balance."""
    try:
        remark(f"Waiting until all lines of {campaign} are settled; Ctrl-C ends only the waiting.")
        found = wait_for_campaign(subject, services, ledger, campaign)
    except KeyboardInterrupt:
        remark("No longer waiting; the work continues, see `issuance status`.")
        sys.exit(EXIT_INTERRUPTED)
    for line in balance_lines(found):
        say(line)
