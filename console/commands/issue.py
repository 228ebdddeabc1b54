"""`issuance issue`: accepts one reward for one customer."""

import sys
from typing import Annotated

import typer

from console.commands.wait import wait_for_line
from console.commands.wake_up import WakeUp
from console.rendering.layout import say
from console.terminal import EXIT_FAILED, EXIT_INTERRUPTED, opened, remark
from issuance.masking import mask, scrub
from issuance.states import State
from ledger.queries.outcomes import LineRecord
from operations.formats import one_line
from producers import Reward
from producers.background import DEFAULT_CAMPAIGN, enqueue_job
from producers.freezing import Freezer


def issue(
    *,
    reward_id: Annotated[int, typer.Option(help="The reward.", show_default=False)],
    mobile: Annotated[
        str | None, typer.Option(help="The customer's mobile, with country code.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="The customer's e-mail address.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The customer's external id.")] = None,
    quantity: Annotated[int, typer.Option(help="Units, 1 to 1,000,000.")] = 1,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same key is accepted once.")
    ] = None,
    campaign: Annotated[str, typer.Option(help="The campaign that counts it.")] = DEFAULT_CAMPAIGN,
    payment_config_id: Annotated[
        int | None, typer.Option(help="For a reward with several payment configs.")
    ] = None,
    redemption_value: Annotated[
        float | None, typer.Option(help="Above 0, for rewards paid by conversion.")
    ] = None,
    org_id: Annotated[
        int | None, typer.Option(help="The reward's organisation (connected endpoint).")
    ] = None,
    notes: Annotated[str | None, typer.Option(help="Free text; sent with the call.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the outcome; exit status 1 unless issued.")
    ] = False,
) -> None:
    """Accept one reward for one customer, named by one identifier; prints its requestId."""
    with opened() as (services, ledger):
        enqueued = enqueue_job(
            ledger,
            Freezer.of(services.settings),
            {"mobile": mobile, "email": email, "externalId": external_id},
            [Reward(reward_id, quantity, payment_config_id, redemption_value, org_id)],
            campaign=campaign,
            key=key,
            notes=notes,
        )
        say(enqueued.request_id)
        WakeUp(services).request()
        if not wait:
            return
        try:
            line = wait_for_line(ledger, enqueued.request_id)
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
        parts.append(one_line(scrub(line.message)))
    if line.vouchers:
        parts.append(f"vouchers {', '.join(map(mask, line.vouchers))}")
    return " · ".join(parts)
