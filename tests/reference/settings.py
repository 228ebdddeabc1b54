"""The page of the settings, from the settings' model."""

from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.reference import defaults
from config.settings import Settings
from config.settings_reader import RENAMED_SETTINGS

_HEAD = """\
# Settings

Written by `make reference` from `config/settings.py`; do not edit.
[.env.example](../../.env.example) has the same list, ready to be copied to `.env`.

Each setting is read from the environment, or else from `.env` in the current folder, when a process
starts. The file is refused if another user can write it. An unknown name that begins with
`ISSUANCE_` and a value that does not fit end the process with status 2 and a message that
names the setting and the remedy.

A secret text may be in a file instead, as in
`ISSUANCE_LEDGER_PASSWORD_FILE=/run/secrets/ledger_password`. The file holds the value as it is;
line ends after it are left out. It is read when a process starts. A setting that is given both
ways, and a file that is empty or cannot be read, end the process the same way.

Kubernetes adds variables for a Service whose name begins with `issuance`, such as
`ISSUANCE_FLOWER_PORT=tcp://10.0.0.1:5555`. They are ignored, with the log event
`service_links_ignored`; `enableServiceLinks: false` in the pod avoids them.

| setting | type | default | meaning |
| --- | --- | --- | --- |
"""
_BOUNDS = {
    "ge": "at least",
    "gt": "above",
    "le": "at most",
    "lt": "below",
    "min_length": "length at least",
}
_NAMES = {int: "whole number", float: "number", bool: "true or false", SecretStr: "secret text"}


def render() -> str:
    """Return the page."""
    fields = Settings.model_fields
    return _HEAD + "".join(
        f"| `{name}` | {_type(field)} "
        f"| {f'`{default}`' if default else 'empty'} | {_meaning(name, field)} |\n"
        for (name, default), field in zip(defaults().items(), fields.values(), strict=True)
    )


def _type(field: FieldInfo) -> str:
    words = [_type_name(field.annotation)]
    for constraint in field.metadata:
        words += [
            f"{word} {getattr(constraint, bound):,}"
            for bound, word in _BOUNDS.items()
            if getattr(constraint, bound, None) is not None
        ]
    return ", ".join(words)


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" if value else "empty" for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    if get_origin(annotation) is tuple:
        what = "numbers" if get_args(annotation)[0] is float else "networks"
        return f"{what} with commas between them"
    return _NAMES.get(annotation, "text")


def _meaning(name: str, field: FieldInfo) -> str:
    old = sorted(before for before, now in RENAMED_SETTINGS.items() if now == name)
    note = "".join(f" Deprecated name: `{each}`." for each in old)
    return f"{field.description}{note}".replace("|", "\\|")
