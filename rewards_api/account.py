"""The API account: the API's address, our credentials, and the bounds of one call."""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal, Self

import httpx
from pydantic import SecretStr

from config.accounts import Account
from config.settings import Settings
from config.tls import USUAL_TLS, TlsFiles

_NAME_LENGTH = 12


@dataclass(frozen=True)
class ApiAccount:
    """Everything a client needs to know about the account; its `repr` shows no secret.

    Raises:
        ValueError: the base URL is not `http(s)://host`, or carries credentials or a query.
    """

    base_url: str
    """Scheme and host, with a path if the API is not at the root; without credentials or query."""
    till: str
    """Till user name: the `username` of every issue call, and the user of basic authentication."""
    auth: Literal["basic", "oauth"] = "basic"
    password: SecretStr = field(default=SecretStr(""))
    client_key: str = ""
    client_secret: SecretStr = field(default=SecretStr(""))
    data_scope: str = "SELF"
    """`DATA-SCOPE` header of calls for connected organisations that have no scope of their own; not
    sent when empty."""
    data_scope_org: str = ""
    """`DATA-SCOPE-ORG` header of these calls, required with OTHER; not sent when empty."""
    timeout_seconds: float = 30.0
    """Longest time of one call, from its start to the end of its answer."""
    connect_timeout_seconds: float = 5.0
    """Longest wait for a connection: slot, DNS, TCP and TLS together."""
    max_concurrent: int = 100
    """Concurrent calls that never wait for a connection slot."""
    tls: TlsFiles = USUAL_TLS
    """Whom to trust as the API, and our certificate if it asks for one."""

    def __post_init__(self) -> None:
        url = httpx.URL(self.base_url) if self.base_url else None
        if url is None or url.scheme not in ("http", "https") or not url.host:
            raise ValueError(
                "The rewards API's base URL must be http(s)://host: set ISSUANCE_API_URL, or start "
                "the embedded parts with `issuance up`"
            )
        if url.userinfo or url.query or url.fragment:
            raise ValueError(
                "ISSUANCE_API_URL must not carry credentials, a query or a fragment: give the till "
                "in ISSUANCE_API_TILL and its password in ISSUANCE_API_PASSWORD"
            )

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build the account from the settings; `api_url` must be set.

        Raises:
            ValueError: as the constructor.
        """
        return cls.of(Account.of_settings(settings), settings)

    @classmethod
    def of(cls, account: Account, settings: Settings) -> Self:
        """Build the account; the settings give the bounds of a call.

        Raises:
            ValueError: as the constructor.
        """
        return cls(
            base_url=account.url,
            till=account.till,
            auth=account.auth,
            password=account.password,
            client_key=account.client_key,
            client_secret=account.client_secret,
            data_scope=account.data_scope.value,
            data_scope_org=account.own_org,
            timeout_seconds=settings.api_timeout_seconds,
            connect_timeout_seconds=settings.api_connect_timeout_seconds,
            max_concurrent=settings.api_max_concurrent,
            tls=account.tls,
        )

    @cached_property
    def name(self) -> str:
        """Short, stable digest that names the account in Redis keys and logs.

        Two accounts share limits and tokens when they have the same host and the same client key
        (oauth) or till (basic).
        """
        known_as = self.client_key if self.auth == "oauth" else self.till
        host = httpx.URL(self.base_url).netloc.decode("ascii")
        return sha256(f"{host}\n{self.auth}\n{known_as}".encode()).hexdigest()[:_NAME_LENGTH]

    def url(self, path: str) -> str:
        """The absolute URL of an API path that starts with a slash."""
        return self.base_url.rstrip("/") + path
