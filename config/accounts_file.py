"""Reads the accounts file (TOML). Secrets are in files or environment variables that it names."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from config.accounts import Account
from config.plain_http import check_plain_http
from config.secret_files import SecretFileError, read_secret
from config.settings import EmailKey, GroupKeys, SettingsError
from config.settings_reader import read_variable
from config.tls import TlsFiles
from issuance.account import DEFAULT_ACCOUNT
from issuance.data_scope import ScopeKind
from issuance.endpoint import DEFAULT_VARIANT, Variant

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_INLINE_SECRETS = ("password", "client_secret", "secret", "token")
_RATE_MOST = 60_000_000


@dataclass(frozen=True, slots=True)
class AccountsFile:
    """The contents of an accounts file."""

    accounts: Mapping[str, Account]
    secret_files: tuple[Path, ...]


def read_accounts_file(path: Path) -> AccountsFile:
    """Read the file and the secrets that it names.

    Raises:
        SettingsError: it cannot be used; the message has a line for each fault, with the account,
            the key and the remedy, and never a secret.
    """
    tables = _tables(path)
    accounts: dict[str, Account] = {}
    secret_files: list[Path] = []
    faults: list[str] = []
    for name, table in tables.items():
        found = list(_faults_of_table(name, table))
        if not found:
            try:
                entry = _Entry.model_validate(table)
                accounts[name] = entry.account(name, path.parent)
            except ValidationError as error:
                found = [f"{name}.{_explain(item)}" for item in error.errors()]
            except _SecretError as error:
                found = [f"{name}.{error}"]
            else:
                secret_files += entry.secret_files(path.parent)
        faults += found
    if faults:
        raise SettingsError("\n".join(f"{path}: {fault}" for fault in faults))
    return AccountsFile(accounts, tuple(secret_files))


class _SecretError(Exception):
    """A secret, or a file of TLS, cannot be read."""


class _Entry(BaseModel):
    """One account's table."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    till: str = Field(min_length=1)
    brand: str = Field(min_length=1)
    auth: Literal["basic", "oauth"] = "basic"
    password_file: str = ""
    password_env: str = ""
    client_key: str = ""
    client_secret_file: str = ""
    client_secret_env: str = ""
    variant: Variant = DEFAULT_VARIANT
    data_scope: ScopeKind = ScopeKind.SELF
    own_org: int | None = Field(None, gt=0)
    rate_per_minute: int = Field(100, ge=0, le=_RATE_MOST)
    time_zone: str = "UTC"
    country: str = Field("", pattern=r"^([A-Z]{2})?$")
    email_key: EmailKey = ""
    group_keys: GroupKeys = ""
    plain_http_host: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""

    @field_validator("url")
    @classmethod
    def _usable(cls, value: str) -> str:
        scheme, _, rest = value.partition("://")
        if scheme not in ("http", "https") or not rest.strip("/"):
            raise ValueError("must be http(s)://host")
        if "@" in rest or "?" in rest or "#" in rest:
            raise ValueError(
                "must not carry credentials, a query or a fragment: give the till in till and its "
                "password in password_file or password_env"
            )
        return value.rstrip("/")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError(
                "no such time zone: give an IANA name, for example Asia/Kolkata"
            ) from None
        return value

    @model_validator(mode="after")
    def _keeps_secrets_on_the_way(self) -> Self:
        try:
            check_plain_http(self.url, self.plain_http_host, 'plain_http_host = "HOST"')
        except ValueError as error:
            raise ValueError(f"url: {error}") from None
        return self

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        wanted = "client_secret" if self.auth == "oauth" else "password"
        other = "password" if self.auth == "oauth" else "client_secret"
        if self.auth == "oauth" and not self.client_key:
            raise ValueError('client_key: auth = "oauth" needs it: add the client\'s key')
        given = [way for way in ("file", "env") if getattr(self, f"{wanted}_{way}")]
        if len(given) != 1:
            problem = "both are given" if given else "the secret is missing"
            raise ValueError(
                f"{wanted}_file: {problem}: give one of {wanted}_file and {wanted}_env, the "
                "file or the environment variable that holds the secret"
            )
        if getattr(self, f"{other}_file") or getattr(self, f"{other}_env"):
            raise ValueError(
                f'{other}_file: auth = "{self.auth}" does not use it: remove it, or change auth'
            )
        return self

    def account(self, name: str, folder: Path) -> Account:
        """Make the account; its secret is read now.

        Raises:
            _SecretError: the secret, or a file of TLS, cannot be read.
        """
        tls = TlsFiles(
            *(_path(folder, name) for name in (self.tls_ca, self.tls_cert, self.tls_key))
        )
        try:
            tls.check(("tls_ca", "tls_cert", "tls_key"))
        except ValueError as error:
            raise _SecretError(str(error)) from None
        return Account(
            name=name,
            url=self.url,
            variant=self.variant,
            auth=self.auth,
            till=self.till,
            brand=self.brand,
            password=self._secret("password", folder),
            client_key=self.client_key,
            client_secret=self._secret("client_secret", folder),
            data_scope=self.data_scope,
            own_org="" if self.own_org is None else str(self.own_org),
            rate_per_minute=self.rate_per_minute,
            time_zone=self.time_zone,
            country=self.country,
            email_key=self.email_key,
            group_keys=self.group_keys,
            tls=tls,
        )

    def secret_files(self, folder: Path) -> Iterator[Path]:
        """Return the files that hold its secrets."""
        for name in (self.password_file, self.client_secret_file):
            if name:
                yield folder / name

    def _secret(self, key: str, folder: Path) -> SecretStr:
        file, variable = getattr(self, f"{key}_file"), getattr(self, f"{key}_env")
        if file:
            try:
                return SecretStr(read_secret(f"{key}_file", folder / file))
            except SecretFileError as error:
                raise _SecretError(str(error)) from None
        if not variable:
            return SecretStr("")
        value = read_variable(variable)
        if not value:
            raise _SecretError(
                f"{key}_env: the environment variable {variable} is not set: set it for every "
                "process, or give the secret in a file"
            )
        return SecretStr(value)


def _path(folder: Path, name: str) -> str:
    return str(folder / name) if name else ""


def _tables(path: Path) -> Mapping[str, object]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"ISSUANCE_ACCOUNTS_FILE: {path} cannot be read ({type(error).__name__}): create it, "
            "or correct the setting"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: it is not TOML: {error}; correct that place") from None
    unknown = sorted(content.keys() - {"accounts"})
    if unknown:
        raise SettingsError(
            f"{path}: {', '.join(unknown)}: unknown; write one table for each account, "
            "[accounts.NAME]"
        )
    tables = content.get("accounts", {})
    if not isinstance(tables, dict):
        raise SettingsError(f"{path}: accounts: write one table for each, [accounts.NAME]")
    return tables


def _faults_of_table(name: str, table: object) -> Iterator[str]:
    if name == DEFAULT_ACCOUNT:
        yield (
            f"{name}: this name is the account of the settings (ISSUANCE_API_URL): give the "
            "account another name"
        )
    elif not _NAME.fullmatch(name):
        yield f"{name}: a name has 1 to 40 small letters, digits, - and _: rename the account"
    if not isinstance(table, dict):
        yield f"{name}: it is not a table: write [accounts.{name}] and the keys below it"
        return
    for key in _INLINE_SECRETS:
        if key in table:
            kind = key if key in ("password", "client_secret") else "client_secret"
            yield (
                f"{name}.{key}: a secret must not be in this file: put it into a file of its own "
                f"and name that in {kind}_file, or name an environment variable in {kind}_env; "
                "and replace the secret, which others may have read here"
            )


def check_together(accounts: Mapping[str, Account]) -> None:
    """Check accounts that name the same API account: they share its limits and its tokens.

    Raises:
        SettingsError: their rates or secrets differ.
    """
    first: dict[tuple[str, str, str], Account] = {}
    for account in accounts.values():
        other = first.setdefault(account.api_account, account)
        same = f"{account.name} and {other.name} are the same API account"
        if account.rate_per_minute != other.rate_per_minute:
            raise SettingsError(
                f"{same}, which has one rate, but rate_per_minute is {other.rate_per_minute} and "
                f"{account.rate_per_minute}: give both the same"
            )
        if account.secret.get_secret_value() != other.secret.get_secret_value():
            raise SettingsError(f"{same}, but their secrets differ: give both the same")


def _explain(item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    key = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        known = ", ".join(sorted(_Entry.model_fields))
        return f"{key}: no such key: correct or remove it; the keys are {known}"
    if item["type"] == "missing":
        return f"{key}: it is missing: add it"
    return f"{key}: {message}" if key else message
