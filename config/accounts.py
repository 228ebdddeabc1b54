"""The API accounts: `default` from the settings, and the entries of the accounts file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from config.settings import AuthKind, EmailKey, GroupKeys, Settings
from config.tls import USUAL_TLS, TlsFiles
from issuance.account import DEFAULT_ACCOUNT
from issuance.data_scope import ScopeKind
from issuance.endpoint import Variant
from issuance.errors import ExplainedError


class AccountError(ExplainedError):
    """No such account, or it cannot do what is asked. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the rewards API, from the settings or from the accounts file."""

    name: str
    url: str
    """Base URL of the API."""
    variant: Variant
    auth: AuthKind
    till: str
    brand: str
    password: SecretStr = field(default=SecretStr(""))
    client_key: str = ""
    client_secret: SecretStr = field(default=SecretStr(""))
    data_scope: ScopeKind = ScopeKind.SELF
    """The scope of calls whose row and campaign give none."""
    own_org: str = ""
    """Id of the organisation of lines that name none; "" if there is none."""
    rate_per_minute: int = 100
    """Calls per minute; 0 is unlimited."""
    time_zone: str = "UTC"
    """IANA name of the zone of the API's local times."""
    country: str = ""
    """Country of its customers' mobiles, as two letters; "" means that they have their code."""
    email_key: EmailKey = ""
    """JSON key of an e-mail address; "" means the endpoint's."""
    group_keys: GroupKeys = ""
    """Spelling of the keys of group loyalty; "" means the endpoint's."""
    tls: TlsFiles = USUAL_TLS
    """Whom to trust as its API, and our certificate if that asks for one."""

    @property
    def host(self) -> str:
        """The API's host, with the port if the URL has one."""
        return urlsplit(self.url).netloc

    @property
    def api_account(self) -> tuple[str, str, str]:
        """What the API knows the account as: entries with the same value share its limits."""
        known_as = self.client_key if self.auth == "oauth" else self.till
        return self.host.lower(), self.auth, known_as

    @property
    def secret(self) -> SecretStr:
        """The secret that authenticates it."""
        return self.client_secret if self.auth == "oauth" else self.password

    @property
    def body_email_key(self) -> str:
        """The JSON key of an e-mail address in this account's bodies (rewards-api §3.2)."""
        return self.email_key or self.variant.endpoint.email_key

    @property
    def snake_group_keys(self) -> bool:
        """Whether the keys of group ids have underscores (rewards-api §3.4)."""
        return (self.group_keys or self.variant.endpoint.group_keys) == "snake"

    @classmethod
    def of_settings(
        cls, settings: Settings, *, url: str | None = None, rate_per_minute: int | None = None
    ) -> "Account":
        """Make the account `default`.

        Args:
            settings: the settings.
            url: the API's base URL; None: the setting.
            rate_per_minute: None: the setting.
        """
        return cls(
            name=DEFAULT_ACCOUNT,
            url=settings.api_url if url is None else url,
            variant=settings.api_variant,
            auth=settings.api_auth,
            till=settings.api_till,
            brand=settings.api_brand,
            password=settings.api_password,
            client_key=settings.api_client_key,
            client_secret=settings.api_client_secret,
            data_scope=ScopeKind(settings.api_data_scope),
            own_org=settings.api_data_scope_org,
            rate_per_minute=settings.api_rate_per_minute
            if rate_per_minute is None
            else rate_per_minute,
            time_zone=settings.api_time_zone,
            country=settings.api_country,
            email_key=settings.api_email_key,
            group_keys=settings.api_group_keys,
            tls=settings.tls_of("api"),
        )


def find_account(accounts: Mapping[str, Account], name: str, file: Path | None) -> Account:
    """Return the account of this name.

    Raises:
        AccountError: there is none.
    """
    found = accounts.get(name)
    if found is not None:
        return found
    if name == DEFAULT_ACCOUNT and accounts:
        raise AccountError(
            f"No account was given, and ISSUANCE_API_URL, which makes the account "
            f"{DEFAULT_ACCOUNT}, is not set: give --account, one of {', '.join(sorted(accounts))}"
        )
    known = f"it has {', '.join(sorted(accounts))}" if accounts else "it has none"
    where = f"add it to {file}" if file else "set ISSUANCE_ACCOUNTS_FILE to the file that has it"
    raise AccountError(f"There is no account {name} in this installation; {known}: {where}")
