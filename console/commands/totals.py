"""`issuance totals`: issued units and points by campaign, reward and day."""

import csv
import sys
from collections.abc import Sequence
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from pydantic_core import to_json

from console.rendering.layout import aligned, say, say_row
from console.terminal import opened, remark
from issuance.account import DEFAULT_ACCOUNT
from issuance.display import csv_text
from operations.errors import UsageError
from operations.time_zones import zone_of
from operations.totals import SUM_COLUMNS, By, Total, read_totals, total_fields, whole

_ALL = "campaign,reward,day"


def totals(
    *,
    by: Annotated[
        str, typer.Option(metavar="KEYS", help=f"Some of {_ALL}, in the order of the columns.")
    ] = "campaign,reward",
    campaign: Annotated[
        str | None, typer.Option(metavar="C", help="Only this campaign.", show_default=False)
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="From this day on, such as 2026-11-01."),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="Until the end of this day.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Where days begin; default: the account's time zone."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a column for each sum.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Add up issued units and points by campaign, reward and day; net of what was revoked."""
    with opened() as (subject, services, ledger):
        keys = _keys(by)
        zone = zone_of(services, DEFAULT_ACCOUNT) if timezone is None else _zone(timezone)
        found = read_totals(
            subject, ledger, keys, zone, campaign=campaign, first=_day(first), last=_day(last)
        )
    if as_json:
        shown = {
            "timezone": str(zone),
            "totals": [total_fields(each, keys) for each in found],
            "whole": total_fields(whole(found), ()),
        }
        say(to_json(shown).decode())
    elif as_csv:
        _write_csv(found, keys)
    else:
        _write_table(found, keys)
        remark(f"Days begin in {zone}. Points are those that replies have shown.")


def _write_csv(found: Sequence[Total], keys: Sequence[By]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*keys, *SUM_COLUMNS])
    for total in found:
        cells = total_fields(total, keys).values()
        writer.writerow([csv_text("" if cell is None else str(cell)) for cell in cells])


_HEADINGS = ("rewards", "units", "points", "revoked", "net units", "net points")


def _write_table(found: Sequence[Total], keys: Sequence[By]) -> None:
    if not found:
        remark("Nothing was issued.")
        return
    rows = [_cells(total, keys) for total in found]
    if keys:
        rows.append(("all", *[""] * (len(keys) - 1), *_sums(whole(found))))
    width = len(keys)
    for row in aligned([(*keys, *_HEADINGS), *rows], range(width, width + len(_HEADINGS))):
        say_row(row)


def _cells(total: Total, keys: Sequence[By]) -> tuple[str, ...]:
    named = zip(keys, total.keys, strict=True)
    shown = [key or ("pruned" if by is By.DAY else "-") for by, key in named]
    return (*shown, *_sums(total))


def _sums(total: Total) -> tuple[str, ...]:
    fields = total_fields(total, [By.DAY] * len(total.keys))
    shown = ("lines", "units", "points", "revokedUnits", "netUnits", "netPoints")
    return tuple(
        f"{value:,}" if isinstance(value := fields[name], int) else str(value) for name in shown
    )


def _keys(text: str) -> list[By]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not set(names) <= set(By) or len(set(names)) < len(names):
        raise UsageError(f"--by {text!r}: give some of {_ALL}, each once")
    return [By(name) for name in names]


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day: write it as 2026-11-29") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UsageError(
            f"{name!r} is no time zone: give one such as Asia/Kolkata or UTC"
        ) from None
