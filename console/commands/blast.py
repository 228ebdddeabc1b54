"""`issuance blast`: accepts a campaign's file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from config.accounts import Account
from console.commands.account_option import AccountOption
from console.commands.interruption import interruptible
from console.commands.pairs import read_defaults, read_mapping
from console.commands.wait import wait_for_campaign
from console.commands.wake_up import WakeUp
from console.rendering.blast_progress import blast_progress
from console.rendering.campaign import balance_lines
from console.rendering.layout import say
from console.rendering.lint_report import expectation_lines, show_readings, show_warnings
from console.rendering.refused_rows import ShownErrors
from console.terminal import (
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    explained,
    opened,
    operator,
    read_services,
    remark,
)
from issuance.account import DEFAULT_ACCOUNT
from issuance.data_scope import ScopeKind
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.states import CampaignState
from ledger.campaigns import (
    Campaign,
    CampaignError,
    ensure_campaign,
    find_campaign,
    weigh_campaign,
)
from ledger.store.database import Ledger
from operations.errors import UsageError
from operations.formats import counted
from operations.services import Services
from producers.accounts import choose_account
from producers.blast import BlastReport, check
from producers.blast import blast as accept_file
from producers.freezing import Freezer
from producers.lint import Lint, read_rewards_file
from producers.preparing import BlastOptions
from producers.source import ErrorsFile, ReadOptions, Source


def blast(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV or JSONL, one row per reward.", show_default=False
        ),
    ],
    campaign: Annotated[
        str, typer.Option(help="The campaign's name, 1 to 255 characters.", show_default=False)
    ],
    *,
    reward_id: Annotated[int | None, typer.Option(help="For rows that have no rewardId.")] = None,
    quantity: Annotated[
        int | None, typer.Option(help="Units, for rows that have no quantity.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="THEIRS=OURS", help="Read column THEIRS as OURS; - as OURS ignores it."
        ),
    ] = None,
    defaults: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="COLUMN=VALUE",
            help="The value of COLUMN for rows that leave it empty. Repeatable.",
        ),
    ] = None,
    errors: Annotated[
        Path | None, typer.Option(help="Where refused rows go; default: FILE's stem.errors.csv")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every line is settled.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file; accept nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also refuse rows with warnings.")
    ] = False,
    country_code: Annotated[
        str | None,
        typer.Option(metavar="DIGITS", help="The country code of every mobile, for example 91."),
    ] = None,
    rewards: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The rewards' prices (JSON): checks the rows, prints the expected points.",
        ),
    ] = None,
    allow_repeats: Annotated[
        bool,
        typer.Option(
            "--allow-repeats",
            help="Issue every row, also of the same customer and reward.",
        ),
    ] = False,
    group_by_customer: Annotated[
        bool,
        typer.Option("--group-by-customer", help="Issue a customer's nearby rows in one call."),
    ] = False,
    defer_limits: Annotated[
        bool,
        typer.Option(
            "--defer-limits",
            help="Wait for the next limit window instead of failing (new campaigns).",
        ),
    ] = False,
    weight: Annotated[
        int | None,
        typer.Option(
            min=WEIGHT_MIN,
            max=WEIGHT_MAX,
            help="The campaign's share of the rate relative to others, 1 to 100.",
        ),
    ] = None,
    account: AccountOption = None,
    data_scope: Annotated[
        ScopeKind | None,
        typer.Option(
            help="DATA-SCOPE of rows that give none (connected); default: the account's.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Accept a file's rows into a campaign; a second run adds only rows that are new."""
    with explained():
        reading = ReadOptions(
            mapping=read_mapping(mapping or []),
            reward_id=reward_id,
            quantity=quantity,
            defaults=read_defaults(defaults or []),
        )
        source = Source(file, reading)
        known = None if rewards is None else read_rewards_file(rewards)
        lint = Lint(strict=strict, country_code=country_code, rewards=known)
        options = BlastOptions(
            lint, allow_repeats=allow_repeats, group_by_customer=group_by_customer
        )
        shown = ShownErrors(_errors_path(file, errors), source)
        if dry_run:
            services = read_services()
            freezer = _freezer(
                services, services.accounts.get(account or DEFAULT_ACCOUNT), data_scope
            )
            report = _check(campaign, source, freezer, shown, options)
    if not dry_run:
        with opened(create=True) as (services, ledger):
            chosen = choose_account(ledger, services.accounts, campaign, account)
            freezer = _freezer(services, chosen, data_scope)
            options.check(freezer.variant)
            into = _campaign(
                ledger, campaign, chosen.name, defer_limits=defer_limits, weight=weight
            )
            report = _accept(
                services, ledger, into, source, shown, freezer=freezer, options=options
            )
            if wait:
                _wait(ledger, campaign)
    if report.refused:
        sys.exit(EXIT_REFUSED)


def _errors_path(file: Path, given: Path | None) -> Path:
    path = Path(f"{file.stem}.errors.csv") if given is None else given
    if path.resolve() == file.resolve():
        raise UsageError(f"--errors {path} is the file itself: name another file")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"--errors {path}: its folder does not exist; create it, or name another file"
        )
    return path


def _freezer(services: Services, account: Account, data_scope: ScopeKind | None) -> Freezer:
    return Freezer.of(account, max_lines=services.settings.job_max_lines, data_scope=data_scope)


def _campaign(
    ledger: Ledger, name: str, account: str, *, defer_limits: bool, weight: int | None
) -> Campaign:
    is_new = not _exists(ledger, name)
    campaign = ensure_campaign(ledger, name, defers_limits=defer_limits, account=account)
    if defer_limits and not campaign.defers_limits:
        remark(f"{name} was created without --defer-limits; that cannot be changed.")
    if weight is not None and weight != campaign.weight:
        weigh_campaign(ledger, name, weight, operator())
        before = "" if is_new else f"; it was {campaign.weight}"
        remark(f"{name}'s weight is {weight} from now on{before}.")
    if campaign.state is CampaignState.PAUSED:
        remark(f"{name} is paused: nothing is issued until it is resumed.")
    return campaign


def _exists(ledger: Ledger, name: str) -> bool:
    try:
        find_campaign(ledger, name)
    except CampaignError:
        return False
    return True


def _accept(
    services: Services,
    ledger: Ledger,
    campaign: Campaign,
    source: Source,
    errors: ShownErrors,
    *,
    freezer: Freezer,
    options: BlastOptions,
) -> BlastReport:
    wake_up = WakeUp(services)
    report = BlastReport()
    try:
        with errors, interruptible() as check_interrupted, blast_progress(source) as show_progress:

            def on_batch(report_now: BlastReport) -> None:
                nonlocal report
                report = report_now
                show_progress(report_now)
                wake_up.request()
                check_interrupted()

            report = accept_file(
                ledger, campaign, source, freezer, errors, options=options, on_batch=on_batch
            )
    except KeyboardInterrupt:
        say(
            f"{_summary(campaign.name, report, errors)}: interrupted; "
            "run it again to accept the rest"
        )
        sys.exit(EXIT_INTERRUPTED)
    errors.show()
    show_readings(report.readings)
    show_warnings(report.warnings, accepted=True)
    say(_summary(campaign.name, report, errors))
    return report


def _summary(campaign: str, report: BlastReport, errors: ErrorsFile) -> str:
    where = f" (errors in {errors.path})" if report.refused else ""
    jobs = f" in {counted(report.jobs, 'job')}" if report.jobs < report.accepted else ""
    return (
        f"{campaign}: {report.accepted:,} accepted{jobs}, {report.known:,} already known, "
        f"{report.refused:,} refused "
        f"of {counted(report.rows, 'row')}{where}"
    )


def _check(
    campaign: str, source: Source, freezer: Freezer, errors: ShownErrors, options: BlastOptions
) -> BlastReport:
    with errors:
        report = check(campaign, source, freezer, errors, options=options)
    errors.show()
    show_readings(report.readings)
    show_warnings(report.warnings, accepted=False)
    if options.lint.rewards is not None:
        for line in expectation_lines(report.expectation):
            say(line)
    where = f" (errors in {errors.path})" if report.refused else ""
    jobs = f" in {counted(report.jobs, 'job')}" if report.jobs < report.accepted else ""
    say(
        f"{campaign}: dry run, nothing accepted; {report.accepted:,} good{jobs}, "
        f"{report.refused:,} refused "
        f"of {counted(report.rows, 'row')}{where}"
    )
    return report


def _wait(ledger: Ledger, campaign: str) -> None:
    try:
        remark(f"Waiting until all lines of {campaign} are settled; Ctrl-C ends only the waiting.")
        found = wait_for_campaign(ledger, campaign)
    except KeyboardInterrupt:
        remark("No longer waiting; the work continues, see `issuance status`.")
        sys.exit(EXIT_INTERRUPTED)
    for line in balance_lines(found):
        say(line)
