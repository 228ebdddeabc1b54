"""`issuance blast`: accepts a campaign's file."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from config.accounts import Account
from console.commands.account_option import AccountOption
from console.commands.blast_run import (
    accept_rows,
    check_only,
    end_file,
    make_campaign,
    wait_until_settled,
)
from console.commands.country_option import CountryOption
from console.commands.pairs import read_defaults, read_mapping
from console.commands.setting_options import with_setting_options
from console.rendering.refused_rows import ShownErrors
from console.rendering.source_notes import show_source
from console.terminal import EXIT_REFUSED, explained, opened, person, read_services, remark
from issuance.account import DEFAULT_ACCOUNT
from issuance.campaign_settings import CampaignSettings, GivenSettings
from issuance.data_scope import ScopeKind
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.intake import account_of, forget_empty
from operations.services import Services
from producers.accounts import choose_account
from producers.freezing import Freezer
from producers.lint import Lint, read_rewards_file
from producers.preparing import BlastOptions
from producers.source import STANDARD_INPUT, ReadOptions, Source, source_stem


@with_setting_options
def blast(
    settings: GivenSettings,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV, JSON lines, a JSON array or .xlsx, one row per reward; gzip and zstd are "
            "read. - is standard input.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--campaign",
            help="The campaign's name, 1 to 255 characters; may be left out with --replaces.",
            show_default=False,
        ),
    ] = None,
    *,
    replaces: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The file corrects campaign NAME: refused and unsent lines of its customers that "
            "the file has no more give way.",
            show_default=False,
        ),
    ] = None,
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
    country: CountryOption = None,
    country_code: Annotated[
        str | None,
        typer.Option(
            metavar="DIGITS", help="Deprecated: warns of mobiles without it.", hidden=True
        ),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The sheet of a workbook; default: its first visible one.",
            show_default=False,
        ),
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
    draft: Annotated[
        bool,
        typer.Option(
            "--draft", help="Hold the rows until `campaign submit`; more files may follow."
        ),
    ] = False,
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
        _check_options(settings, draft=draft, wait=wait)
        campaign = _campaign(name, replaces)
        services = read_services()
        subject = person(services)
        subject.require(Right.BLAST)  # before the file is read
        names_country = country is not None or country_code is not None
        country = _country(subject, services, account, country, country_code, campaign=campaign)
        reading = ReadOptions(
            mapping=read_mapping(mapping or []),
            reward_id=reward_id,
            quantity=quantity,
            defaults=read_defaults(defaults or []),
            sheet=sheet,
            country=country,
        )
        if file == STANDARD_INPUT and sys.stdin.isatty():
            remark("Reading rows from the terminal: end them with Ctrl-D.")
        source = Source(file, reading)
        show_source(source)
        known = None if rewards is None else read_rewards_file(rewards)
        lint = Lint(strict=strict, country_code=country_code, country=country, rewards=known)
        options = BlastOptions(
            lint, allow_repeats=allow_repeats, group_by_customer=group_by_customer
        )
        shown = ShownErrors(_errors_path(file, errors), source)
        if dry_run:
            freezer = Freezer.of_settings(
                services.settings, services.accounts.get(account or DEFAULT_ACCOUNT), data_scope
            )
            report = check_only(
                subject, campaign, source, errors=shown, freezer=freezer, options=options
            )
    if not dry_run:
        with opened(create=True) as (subject, services, ledger):
            chosen = choose_account(ledger, services.accounts, campaign, account)
            if not names_country:
                _check_country(campaign, chosen, country)
            freezer = Freezer.of_settings(services.settings, chosen, data_scope)
            options.check(freezer.variant)
            settings.applied_to(CampaignSettings(), chosen.time_zone)  # before it makes a campaign
            prepared = make_campaign(
                subject,
                services,
                ledger,
                campaign,
                chosen.name,
                defer_limits=defer_limits,
                settings=settings,
                is_draft=draft,
            )
            into = prepared.campaign
            try:
                report = accept_rows(
                    subject,
                    services,
                    ledger,
                    into,
                    source,
                    errors=shown,
                    freezer=freezer,
                    options=options,
                    replaces=replaces,
                )
            finally:
                if forget_empty(subject, ledger, prepared):
                    remark(f"No row was accepted: campaign {into.name} was not made.")
            is_issued = end_file(subject, services, ledger, prepared, report, rewards=known)
            if wait and is_issued:
                wait_until_settled(subject, services, ledger, into.name)
    if report.refused:
        sys.exit(EXIT_REFUSED)


def _check_options(settings: GivenSettings, *, draft: bool, wait: bool) -> None:
    if draft and wait:
        raise UsageError("--wait: a draft issues nothing until it is submitted; leave out --wait")
    if not draft and not replace(settings, weight=None, stop_loss=None).is_empty:
        raise UsageError(
            "Only a draft has other settings than --weight and --stop-loss: give --draft, then "
            "`issuance campaign submit` starts it"
        )


def _campaign(name: str | None, replaces: str | None) -> str:
    if name is None and replaces is None:
        raise UsageError("Name the campaign: give --campaign NAME")
    return name or replaces or ""


def _country(
    subject: Subject,
    services: Services,
    account: str | None,
    country: str | None,
    country_code: str | None,
    *,
    campaign: str,
) -> str | None:
    """The country of mobiles: the option's, or else the account's."""
    if country_code is not None:
        if country is not None:
            raise UsageError("--country and --country-code say the same: give --country alone")
        remark(
            "--country-code is deprecated and only warns: --country, for example --country IN, "
            "completes mobiles to their international form."
        )
        return None
    return country or _country_of_account(subject, services, account, campaign) or None


def _country_of_account(
    subject: Subject, services: Services, account: str | None, campaign: str
) -> str:
    accounts = services.accounts
    countries = {each.country for each in accounts.all().values()}
    if account is None and len(countries) > 1:
        account = account_of(subject, services, campaign)
    if account is not None:
        return accounts.get(account).country
    default = accounts.find(DEFAULT_ACCOUNT)
    return default.country if default is not None else next(iter(countries), "")


def _check_country(campaign: str, chosen: Account, country: str | None) -> None:
    """Refuse to read mobiles by another country than the campaign's account has."""
    if (chosen.country or None) != country:
        whose = f"of {chosen.country}" if chosen.country else "written with their country code"
        raise UsageError(
            f"{campaign} belongs to account {chosen.name}, whose mobiles are {whose}: give "
            f"--account {chosen.name}"
        )


def _errors_path(file: Path, given: Path | None) -> Path:
    if given is not None:
        path = given
    elif file == STANDARD_INPUT:
        path = Path("stdin.errors.csv")
    else:
        path = Path(f"{source_stem(file)}.errors.csv")
    if path.resolve() == file.resolve() and file != STANDARD_INPUT:
        raise UsageError(f"--errors {path} is the file itself: name another file")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"--errors {path}: its folder does not exist; create it, or name another file"
        )
    return path
