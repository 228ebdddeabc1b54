"""Reads the settings: the only reader of the environment and of `.env`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from config.env_file import EnvFileError, read_env_file
from config.home import embedded_ledger, old_home
from config.secret_files import SecretFileError, read_secret_files, secret_of
from config.settings import Settings, SettingsError, field_of, ignored_links
from issuance.loopback import is_loopback

SECRETS = frozenset(
    name for name, field in Settings.model_fields.items() if field.annotation is SecretStr
)
"""Fields that `ISSUANCE_<NAME>_FILE` can give from a file, too."""
RENAMED_SETTINGS = {"ISSUANCE_LOOK_UP_LAGS_SECONDS": "ISSUANCE_RECONCILE_DELAYS_SECONDS"}
"""Old names, accepted for one release, and the new name of each."""


def read_settings(*, allow_old_home: bool = False) -> Settings:
    """Read the settings from the environment and `.env`.

    Args:
        allow_old_home: whether the state of an earlier version may lie in the working folder, not
            in HOME yet.

    Raises:
        SettingsError: a setting is wrong or unknown; the message names it and the remedy.
    """
    given = _given()
    unknown = [
        name
        for name in given
        if field_of(name) not in Settings.model_fields
        and name.upper() not in RENAMED_SETTINGS
        and secret_of(name, SECRETS) is None
    ]
    if unknown:
        raise SettingsError(
            "\n".join(f"{name}: no such setting; see .env.example" for name in unknown)
        )
    try:
        values = _of_file(given) | _renamed(given) | read_secret_files(given, SECRETS)
        settings = Settings(**values)
    except SecretFileError as error:
        raise SettingsError(str(error)) from None
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(item) for item in error.errors())) from None
    if missing := missing_credentials(settings):
        names = ", ".join(f"ISSUANCE_{name.upper()}" for name in missing)
        raise SettingsError(
            f"ISSUANCE_API_URL names a real API, but {names} "
            f"{'is' if len(missing) == 1 else 'are'} not set: the defaults are the simulator's; "
            "set them, or unset ISSUANCE_API_URL to work with the simulator"
        )
    if not allow_old_home and (left := left_behind(settings)):
        raise SettingsError(
            f"{left} holds the ledger of an earlier version, and embedded state is in "
            f"{settings.home} now: run `issuance migrate` in this folder to move it there, or set "
            f"ISSUANCE_HOME={left} to keep it"
        )
    return settings


def left_behind(settings: Settings) -> Path | None:
    """Return the state that must be moved to HOME before these settings can be used, or None."""
    if uses_configured_ledger(settings) or embedded_ledger(settings.home).exists():
        return None
    return old_home()


def uses_configured_ledger(settings: Settings) -> bool:
    """Whether the settings name the ledger or its folder."""
    return bool(settings.ledger_url) or "home" in settings.model_fields_set


def missing_credentials(settings: Settings) -> list[str]:
    """List the fields that a real API needs and that still have the simulator's defaults.

    An API on a loopback address is a simulator, and so is the `simulator` service in
    docker-compose.yml.
    """
    if not settings.api_url or _is_simulated(urlsplit(settings.api_url).hostname or ""):
        return []
    needed = ["api_till", "api_brand", *(["api_password"] if settings.api_auth == "basic" else [])]
    return [name for name in needed if name not in settings.model_fields_set]


def _is_simulated(host: str) -> bool:
    return host == "simulator" or is_loopback(host)


def read_variable(name: str) -> str:
    """Read a variable that the accounts file names, from the environment or `.env`; "" if unset.

    Raises:
        SettingsError: other users can write `.env`.
    """
    return os.environ.get(name) or _env_file().get(name) or ""


def _given() -> dict[str, str]:
    """Read the product's variables from `.env` and from the environment, which takes precedence."""
    return _ours({**_env_file(), **_environment()})


def _env_file() -> dict[str, str]:
    try:
        return read_env_file()
    except EnvFileError as error:
        raise SettingsError(str(error)) from None


def _environment() -> dict[str, str]:
    links = ignored_links()
    return {name: value for name, value in os.environ.items() if name not in links}


def _ours(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name: variables[name]
        for name in sorted(variables)
        if name.upper().startswith("ISSUANCE_") and not name.startswith("ISSUANCE_TEST_")
    }


def _of_file(given: Mapping[str, str]) -> dict[str, str]:
    """Return the values, by field, that are given in `.env` only; pydantic reads the others."""
    set_outside = {name.upper() for name in _environment()}
    return {
        field_of(name): value
        for name, value in given.items()
        if name.upper() not in set_outside and field_of(name) in Settings.model_fields
    }


def _renamed(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that were given under an old name only, by field."""
    fields = {field_of(name) for name in given}
    return {
        field_of(RENAMED_SETTINGS[name.upper()]): value
        for name, value in given.items()
        if name.upper() in RENAMED_SETTINGS
        and field_of(RENAMED_SETTINGS[name.upper()]) not in fields
    }


def old_names() -> dict[str, str]:
    """Return the settings that were given under an old name, each with its new name."""
    return {
        name: RENAMED_SETTINGS[name.upper()]
        for name in _given()
        if name.upper() in RENAMED_SETTINGS
    }


def _explain(item: object) -> str:
    location = item["loc"]  # type: ignore[index]  # pydantic's ErrorDetails
    message = str(item["msg"]).removeprefix("Value error, ")  # type: ignore[index]
    if not location:
        return f"ISSUANCE_{message}"
    name = str(location[0])
    description = Settings.model_fields[name].description
    return f"ISSUANCE_{name.upper()}: {message} ({description} See .env.example)"
