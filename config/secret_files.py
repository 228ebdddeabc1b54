"""Secrets in files, as Docker and Kubernetes mount them: `ISSUANCE_LEDGER_PASSWORD_FILE=PATH`."""

from collections.abc import Collection, Mapping
from pathlib import Path

_SUFFIX = "_FILE"


class SecretFileError(ValueError):
    """A secret's file cannot be used. The message names the setting and the remedy."""


def secret_of(name: str, secrets: Collection[str]) -> str | None:
    """Return the field whose file a variable names; None: it names no secret's file.

    Args:
        name: the variable, for example `ISSUANCE_LEDGER_PASSWORD_FILE`.
        secrets: the fields that are secrets.
    """
    upper = name.upper()
    if not upper.endswith(_SUFFIX):
        return None
    field = upper.removeprefix("ISSUANCE_").removesuffix(_SUFFIX).lower()
    return field if field in secrets else None


def read_secret_files(given: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """Read the secrets whose files are named, by field; an empty name is no file.

    Args:
        given: the product's variables.
        secrets: the fields that are secrets.

    Raises:
        SecretFileError: a file cannot be read or is empty, or its setting is given too. No message
            shows a value. There is one line for each.
    """
    fields = {name.lower().removeprefix("issuance_"): value for name, value in given.items()}
    values: dict[str, str] = {}
    problems: list[str] = []
    for name, path in given.items():
        field = secret_of(name, secrets)
        if field is None or not path:
            continue
        if fields.get(field):
            own = f"ISSUANCE_{field.upper()}"
            problems.append(f"{name}: {own} is set too: remove one of them")
            continue
        try:
            values[field] = read_secret(name, Path(path))
        except SecretFileError as error:
            problems.append(str(error))
    if problems:
        raise SecretFileError("\n".join(problems))
    return values


def read_secret(name: str, path: Path) -> str:
    """Read a secret from a file, without line ends after it.

    Args:
        name: what names the file, for messages.
        path: the file.

    Raises:
        SecretFileError: it cannot be read, or it is empty.
    """
    try:
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        # ValueError: not UTF-8, or a NUL in the path.
        raise SecretFileError(
            f"{name}: {path} cannot be read ({type(error).__name__}): create the file, or correct "
            "its path or its permissions"
        ) from None
    if not value.strip():
        raise SecretFileError(f"{name}: {path} is empty: write the secret into it")
    return value
