"""Writes the settings' reference from the code: `python -m config.reference > .env.example`."""

import sys
from enum import Enum

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings

_HEADER = """\
# Every setting of the system, with its default. Copy to `.env`, or set them in the environment.
# A password or secret may be in a file instead: ISSUANCE_LEDGER_PASSWORD_FILE=/run/secrets/NAME.
# Written from the code: `python -m config.reference > .env.example`.
"""


def render() -> str:
    """Return the text of `.env.example`."""
    lines = [_HEADER]
    for name, field in Settings.model_fields.items():
        lines.append(f"# {field.description}\n#ISSUANCE_{name.upper()}={_default(field)}\n")
    return "\n".join(lines)


def defaults() -> dict[str, str]:
    """Return each setting's environment variable and its default, as the variable spells it."""
    return {
        f"ISSUANCE_{name.upper()}": _default(field) for name, field in Settings.model_fields.items()
    }


def _default(field: FieldInfo) -> str:
    value = "" if field.default_factory else field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = ",".join(f"{item:g}" for item in value)
    return str(value.value if isinstance(value, Enum) else value)


if __name__ == "__main__":
    sys.stdout.write(render())
