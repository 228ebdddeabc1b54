"""`issuance issue`: accepts one reward for one customer."""

import sys
from typing import Annotated

import typer

from console.commands.account_option import AccountOption
from console.commands.country_option import CountryOption
from console.commands.field_options import GivenFields, with_field_options
from console.commands.wait import wait_for_line
from console.commands.wake_up import WakeUp
from console.rendering.layout import say
from console.terminal import EXIT_FAILED, EXIT_INTERRUPTED, opened, remark
from issuance.masking import mask, scrub
from issuance.states import State
from ledger.queries.outcomes import LineRecord
from operations.formats import one_line
from producers.accounts import choose_account, default_campaign
from producers.freezing import Freezer
from producers.people import issue_rewards


@with_field_options
def issue(
    fields: GivenFields,
    *,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same key is accepted once.")
    ] = None,
    campaign: Annotated[
        str | None,
        typer.Option(
            help="The campaign that counts it; default: background, or background-ACCOUNT.",
            show_default=False,
        ),
    ] = None,
    account: AccountOption = None,
    country: CountryOption = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the outcome; exit status 1 unless issued.")
    ] = False,
) -> None:
    """Accept one reward for one customer, named by one identifier; prints its requestId."""
    with opened(create=True) as (subject, services, ledger):
        campaign = campaign or default_campaign(account)
        chosen = choose_account(ledger, services.accounts, campaign, account)
        enqueued = issue_rewards(
            subject,
            ledger,
            Freezer.of(
                chosen,
                max_lines=services.settings.job_max_lines,
                max_quantity=services.settings.max_quantity,
                policy=services.settings.approval_policy,
            ),
            fields.identifiers,
            [fields.reward],
            call=fields.call,
            campaign=campaign,
            country=country or chosen.country or None,
            key=key,
            tracing=services.tracing,
        )
        say(enqueued.request_id)
        WakeUp(services).request()
        if not wait:
            return
        try:
            line = wait_for_line(subject, ledger, enqueued.request_id)
        except KeyboardInterrupt:
            remark(f"No longer waiting; the work continues, see `issuance outcomes {campaign}`.")
            sys.exit(EXIT_INTERRUPTED)
        remark(_outcome(line))
        if (line if isinstance(line, State) else line.state) is not State.ISSUED:
            sys.exit(EXIT_FAILED)


def _outcome(line: LineRecord | State) -> str:
    if isinstance(line, State):
        return f"{line.value} · its details were pruned"
    parts = [line.state.value]
    if line.code is not None:
        parts.append(f"code {line.code}")
    if line.message:
        parts.append(one_line(scrub(line.message, line.known)))
    if line.vouchers:
        parts.append(f"vouchers {', '.join(map(mask, line.vouchers))}")
    return " · ".join(parts)
