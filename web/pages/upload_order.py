"""The form of an upload: what a person wants done with the file."""

from collections.abc import Mapping
from dataclasses import fields

from issuance.campaign_name import LONGEST_NAME, is_valid_name, normalise_name
from issuance.campaign_settings import GivenSettings
from operations.errors import UsageError
from operations.uploads.state import Order, Seen

_MOST_DIGITS = 19
FLAGS = {
    "strict": "Refuse rows with warnings, too",
    "allow_repeats": "Issue each row, also of the same customer and reward",
    "group_by_customer": "Issue a customer's nearby rows in one call",
    "defer_limits": "Wait for the next limit window instead of failing (new campaigns)",
}


def read_order(form: Mapping[str, str], seen: Seen, sheet: str) -> Order:
    """Read the form; what is not given is as in `issuance blast` without that option.

    Raises:
        UsageError: a value is none.
    """
    order = Order(
        campaign=normalise_name(form.get("campaign", "")),
        account=form.get("account", ""),
        country=form.get("country", "").strip().upper(),
        reward_id=_number(form, "reward_id"),
        quantity=_number(form, "quantity"),
        sheet=sheet,
        mapping=read_mapping(form, seen),
        strict="strict" in form,
        allow_repeats="allow_repeats" in form,
        group_by_customer="group_by_customer" in form,
        defer_limits="defer_limits" in form,
        settings=GivenSettings(
            start_at=_text(form, "start_at"),
            window=_text(form, "window"),
            timezone=_text(form, "timezone"),
            rate=_number(form, "rate"),
            canary=_number(form, "canary"),
            stop_loss=_text(form, "stop_loss"),
            budget_units=_number(form, "budget_units"),
            budget_points=_text(form, "budget_points"),
            weight=_number(form, "weight"),
        ),
    )
    if not is_valid_name(order.campaign):
        raise UsageError(f"Name the campaign: 1 to {LONGEST_NAME} printable characters")
    return order


def given_values(order: Order) -> dict[str, str]:
    """Return the form that gives an order, without its columns."""
    values = {each.name: getattr(order, each.name) for each in fields(order)}
    del values["settings"], values["mapping"]
    values |= {each.name: getattr(order.settings, each.name) for each in fields(order.settings)}
    return {name: str(value or "") for name, value in values.items()}


def read_mapping(form: Mapping[str, str], seen: Seen) -> dict[str, str]:
    """Return our columns by the file's names, where they differ from the guess."""
    chosen = {
        column.name: form.get(f"column-{at}", column.guess)
        for at, column in enumerate(seen.columns)
    }
    return {
        column.name: chosen[column.name]
        for column in seen.columns
        if chosen[column.name] not in ("", column.guess)
    }


def _text(form: Mapping[str, str], name: str) -> str | None:
    return form.get(name, "").strip() or None


def _number(form: Mapping[str, str], name: str) -> int | None:
    text = _text(form, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise UsageError(f"{name.replace('_', '-')}: {text[:40]!r} is no whole number")
    return int(text)
