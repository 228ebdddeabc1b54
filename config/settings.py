"""The settings: read once by `config.settings_reader`, then passed down."""

import os
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config.flower_login import FlowerLogin
from config.home import default_home
from config.otel import is_installed
from config.plain_http import check_plain_http
from config.server_parts import fill_urls
from config.server_url import ServerUrl
from config.service_links import is_address, service_links
from config.tls import TlsFiles
from config.web_login import HEADER_NAME, check_oidc, check_proxy
from config.webhook_keys import read_webhook_keys
from issuance.approval_policy import ApprovalPolicy
from issuance.endpoint import DEFAULT_VARIANT, Variant
from issuance.errors import ExplainedError
from issuance.retry import RetryPolicy
from issuance.server_url_text import UNREADABLE, is_readable

AuthKind = Literal["basic", "oauth"]
EmailKey = Literal["", "email", "emailId"]
GroupKeys = Literal["", "snake", "camel"]
"""`user_group2_id` or `userGroup2Id` (rewards-api §3.2)."""
TlsPart = Literal["api", "ledger", "broker", "redis", "dead_letter_webhook"]
TLS_PARTS: tuple[TlsPart, ...] = get_args(TlsPart)
"""The parts whose connections may use TLS: the beginnings of their settings."""


class SettingsError(ExplainedError):
    """The settings are wrong. The message has one line for each: its name and the remedy."""


class Settings(BaseSettings):
    """Every setting, from `ISSUANCE_<NAME>` in the environment; `read_settings` adds `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="ISSUANCE_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    home: Path = Field(
        default_factory=default_home,
        description="Folder of the embedded state; empty: the user's state folder.",
    )
    api_url: str = Field(
        "", description="Base URL of the rewards API; empty: the simulator of `issuance up`."
    )
    api_variant: Variant = Field(
        DEFAULT_VARIANT, description="Issue endpoint: single, bulk or connected."
    )
    api_auth: AuthKind = Field(
        "basic", description="How we authenticate to the API: basic or oauth."
    )
    api_till: str = Field(
        "demo.till",
        description="Till user name, also sent as `username`; a real API needs its own.",
    )
    api_password: SecretStr = Field(
        SecretStr("demo"), description="The till's password (basic); a real API needs its own."
    )
    api_client_key: str = Field("", description="Client key (oauth).")
    api_client_secret: SecretStr = Field(SecretStr(""), description="Client secret (oauth).")
    api_brand: str = Field(
        "DEMO", description="Brand, sent in every body; a real API needs its own."
    )
    api_data_scope: Literal["SELF", "OTHER"] = Field("SELF", description="DATA-SCOPE (connected).")
    api_data_scope_org: str = Field(
        "", description="DATA-SCOPE-ORG (connected, needed with OTHER)."
    )
    api_email_key: EmailKey = Field(
        "", description="JSON key of an e-mail address; empty: emailId for single, else email."
    )
    api_group_keys: GroupKeys = Field(
        "",
        description="Keys of group ids: snake (user_group2_id) or camel (userGroup2Id); "
        "empty: snake for single, else camel.",
    )
    api_time_zone: str = Field(
        "UTC",
        description="IANA zone of the API's local times and of its midnight, at which used-up "
        "limits begin again, for example Asia/Kolkata.",
    )
    api_country: str = Field(
        "",
        pattern=r"^([A-Z]{2})?$",
        description="Country of mobiles, as two letters such as IN: they are completed to their "
        "international form; empty: they have their country code.",
    )
    api_rate_per_minute: int = Field(
        100, ge=0, description="Calls per minute to the API account; 0: unlimited."
    )
    api_rate_adapts: bool = Field(
        True, description="Make fewer calls while that prevents 429s, failures or slow answers."
    )
    api_timeout_seconds: float = Field(
        30.0, gt=0, le=300, description="Longest wait for one answer."
    )
    api_connect_timeout_seconds: float = Field(
        5.0, gt=0, le=60, description="Longest wait for a connection."
    )
    api_max_concurrent: int = Field(
        100, ge=1, le=1000, description="Concurrent calls in one worker child."
    )
    api_plain_http_host: str = Field(
        "", description="Host of the API that may be called by http://, unencrypted; empty: none."
    )
    api_tls_ca: str = Field(
        "",
        description="PEM file of the CAs to trust as the API; empty: certifi's, or SSL_CERT_FILE.",
    )
    api_tls_cert: str = Field(
        "", description="PEM file of our certificate, if the API asks for one."
    )
    api_tls_key: str = Field(
        "", description="PEM file of its key, without a passphrase; empty: it is in TLS_CERT."
    )
    accounts_file: Path | None = Field(
        None, description="TOML file with further API accounts (how-to/several-accounts)."
    )
    roles_file: Path | None = Field(
        None,
        description="TOML file with the roles of users and groups (how-to/give-people-roles); "
        "empty: the owner of the ledger has all.",
    )
    broker_url: str = Field(
        "", description="redis://, rediss:// or amqp://; empty: the embedded broker."
    )
    redis_url: str = Field(
        "", description="Redis for limits and locks; empty: the broker, if that is Redis."
    )
    ledger_url: str = Field(
        "", description="postgresql:// or sqlite:///; empty: SQLite below HOME."
    )
    ledger_host: str = Field(
        "", description="Host, or host:port, of the ledger; replaces that of LEDGER_URL."
    )
    ledger_user: str = Field("", description="The ledger's user; replaces that of LEDGER_URL.")
    ledger_password: SecretStr = Field(
        SecretStr(""), description="The user's password, as it is: nothing is escaped."
    )
    broker_host: str = Field("", description="Host of the broker; replaces that of BROKER_URL.")
    broker_user: str = Field("", description="The broker's user; replaces that of BROKER_URL.")
    broker_password: SecretStr = Field(
        SecretStr(""), description="The user's password, as it is: nothing is escaped."
    )
    redis_host: str = Field("", description="Host of Redis; replaces that of REDIS_URL.")
    redis_user: str = Field("", description="The user of Redis; replaces that of REDIS_URL.")
    redis_password: SecretStr = Field(
        SecretStr(""), description="The user's password, as it is: nothing is escaped."
    )
    ledger_tls_ca: str = Field(
        "", description="PEM file of the CAs to trust as the ledger; empty: the system's."
    )
    ledger_tls_cert: str = Field(
        "", description="PEM file of our certificate, if the ledger asks for one."
    )
    ledger_tls_key: str = Field(
        "", description="PEM file of its key, without a passphrase; empty: it is in TLS_CERT."
    )
    broker_tls_ca: str = Field(
        "", description="PEM file of the CAs to trust as the broker; empty: the system's."
    )
    broker_tls_cert: str = Field(
        "", description="PEM file of our certificate, if the broker asks for one."
    )
    broker_tls_key: str = Field(
        "", description="PEM file of its key, without a passphrase; empty: it is in TLS_CERT."
    )
    redis_tls_ca: str = Field(
        "", description="PEM file of the CAs to trust as REDIS_URL; empty: the system's."
    )
    redis_tls_cert: str = Field(
        "", description="PEM file of our certificate, if that Redis asks for one."
    )
    redis_tls_key: str = Field(
        "", description="PEM file of its key, without a passphrase; empty: it is in TLS_CERT."
    )
    secret_file: Path | None = Field(
        None,
        description="File with the deployment's secret, 32 bytes or 64 hex digits; empty: the "
        "ledger has it (how-to/keep-the-secret).",
    )
    lease_seconds: float = Field(
        120.0, ge=2, le=3600, description="How long a claim holds a chunk's jobs."
    )
    retry_max_attempts: int = Field(
        8, ge=1, le=10_000, description="Most counted attempts of a job."
    )
    retry_base_seconds: float = Field(
        2.0, gt=0, description="Largest backoff after the first attempt; it doubles each time."
    )
    retry_cap_seconds: float = Field(600.0, gt=0, description="Largest backoff after any attempt.")
    retry_total_seconds: float = Field(
        3_600.0, gt=0, description="No attempt starts later than this after the first."
    )
    reconcile_delays_seconds: Annotated[tuple[float, ...], NoDecode] = Field(
        (30.0, 120.0, 600.0),
        description="Waits before each reconciliation of a job in doubt, with commas; empty: none.",
    )
    workers: int = Field(2, ge=1, le=64, description="Children of the blast worker.")
    window_jobs: int = Field(
        8_000, ge=1, le=100_000, description="Most jobs of one lane in the broker at once."
    )
    chunk_max_jobs: int = Field(1_000, ge=1, le=1_000, description="Most jobs of one chunk.")
    job_max_lines: int = Field(
        10, ge=1, le=100, description="Most lines of one job, that is, rewards of one call."
    )
    max_quantity: int = Field(
        10,
        ge=1,
        le=1_000_000,
        description="Most units of one line; a new line above it is refused.",
    )
    approval_units: int | None = Field(
        None,
        ge=0,
        le=10**12,
        description="A campaign or request of more units needs the approval of a second person; "
        "empty: never.",
    )
    approval_points: int | None = Field(
        None,
        ge=0,
        le=10**12,
        description="One of more expected points needs it too, and so does one whose points are "
        "not known; empty: never.",
    )
    retention_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Days after which the release removes settled jobs for good, without an "
        "archive; 0: never.",
    )
    dead_letter_notices_per_minute: int = Field(
        20,
        ge=0,
        le=1_000,
        description="Most single notices of one campaign and reason; further dead letters are "
        "summarised.",
    )
    dead_letter_webhook_url: str = Field(
        "", description="URL that gets a POST for dead letters' notices; empty: none."
    )
    dead_letter_webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs the POSTs by Standard Webhooks: whsec_ and base64; two with a blank "
        "between them while one replaces the other; empty: no signature.",
    )
    dead_letter_webhook_timeout_seconds: float = Field(
        5.0, gt=0, le=30, description="Longest time for one POST with its retry, all in all."
    )
    dead_letter_webhook_plain_http_host: str = Field(
        "",
        description="Host of the webhook that may be called by http://, unencrypted; empty: none.",
    )
    dead_letter_webhook_tls_ca: str = Field(
        "", description="PEM file of the CAs to trust as the webhook; empty: as for the API."
    )
    dead_letter_webhook_tls_cert: str = Field(
        "", description="PEM file of our certificate, if the webhook asks for one."
    )
    dead_letter_webhook_tls_key: str = Field(
        "", description="PEM file of its key, without a passphrase; empty: it is in TLS_CERT."
    )
    flower_host: str = Field(
        "127.0.0.1", min_length=1, description="Address that Flower's page answers on."
    )
    flower_port: int = Field(5555, ge=0, le=65_535, description="Flower's port; 0: a free one.")
    flower_basic_auth: SecretStr = Field(
        SecretStr(""),
        description="user:password of Flower's page; empty: a random password, printed at start.",
    )
    flower_url: str = Field(
        "",
        description="Address at which people open Flower, for the web console's link; empty: that "
        "of `issuance up`.",
    )
    health_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address that `/livez`, `/healthz` and `/metrics` answer on.",
    )
    health_port: int = Field(
        5556, ge=0, le=65_535, description="Port of these pages; 0: a free one."
    )
    web_host: str = Field(
        "127.0.0.1", min_length=1, description="Address that the web console answers on."
    )
    web_port: int = Field(
        5557, ge=0, le=65_535, description="The web console's port; 0: a free one."
    )
    web_url: str = Field(
        "",
        description="Address that people open, behind a proxy, such as https://rewards.example; "
        "empty: the console's own.",
    )
    web_oidc_issuer: str = Field(
        "",
        description="Issuer of an OpenID Connect provider by which people log in to the web "
        "console, such as https://login.example/realms/ops; empty: none.",
    )
    web_oidc_client_id: str = Field("", description="The console's client id at the provider.")
    web_oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="Its secret; empty: a public client, which PKCE protects."
    )
    web_oidc_scopes: str = Field(
        "openid profile email", description="Scopes to ask for, with blanks; openid is one."
    )
    web_oidc_name_claim: str = Field(
        "preferred_username",
        min_length=1,
        description="Claim of the ID token with a person's name; people must not choose it freely.",
    )
    web_oidc_groups_claim: str = Field(
        "groups", min_length=1, description="Claim of the ID token with a person's groups."
    )
    web_oidc_tls_ca: str = Field(
        "", description="PEM file of the CAs to trust as the provider; empty: as for the API."
    )
    web_proxy_addresses: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Addresses of the proxy that has logged people in, such as 10.0.0.5, with "
        "commas; empty: no proxy is believed.",
    )
    web_proxy_user_header: str = Field(
        "",
        pattern=HEADER_NAME,
        description="Header in which that proxy names the person, such as X-Forwarded-User.",
    )
    web_proxy_groups_header: str = Field(
        "",
        pattern=HEADER_NAME,
        description="Header in which it names the person's groups, with commas; empty: none.",
    )
    web_upload_max_bytes: int = Field(
        268_435_456,
        ge=1_000_000,
        description="Largest file that the web console takes; larger ones by `issuance blast`.",
    )
    metrics_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Networks whose machines may read `/metrics`, such as 10.0.0.0/8, with commas; "
        "empty: this machine only.",
    )
    health_stall_seconds: float = Field(
        180.0,
        gt=0,
        description="Due work without a call for this long is a stall; above LEASE + API_TIMEOUT.",
    )
    operator: str = Field(
        "",
        max_length=255,
        description="Your name, if several people share a system user; the audit log has it as "
        "claimed, next to the user's own name.",
    )
    tracing: Literal["off", "otlp", "console"] = Field(
        "off",
        description="Where traces go: off, otlp (a collector) or console; needs the otel extra.",
    )
    api_traceparent: bool = Field(
        False, description="Send the trace context of a job to the API, as `traceparent`."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Lowest level that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else json."
    )

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: dict[str, Any]) -> dict[str, Any]:
        # A link of Kubernetes that is named like a setting. The value of `.env` is no address.
        links = {field_of(name) for name in ignored_links()}
        given = {
            name: value
            for name, value in given.items()
            if not (name in links and is_address(value))
        }
        return given | fill_urls(given)

    @field_validator("home", "api_till", "api_password", "api_brand", mode="before")
    @classmethod
    def _not_blank(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError(
                "must not be empty: give a value, or remove the line to use the default"
            )
        return value

    @field_validator("api_variant", "api_auth", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("home", mode="before")
    @classmethod
    def _default_if_blank(cls, value: object) -> object:
        return default_home() if isinstance(value, str) and not value.strip() else value

    @field_validator("home")
    @classmethod
    def _expanded(cls, value: Path) -> Path:
        try:
            return value.expanduser()
        except RuntimeError as error:
            raise ValueError(f"{value} names a home folder that is not known") from error

    @field_validator(
        "accounts_file",
        "roles_file",
        "secret_file",
        "approval_units",
        "approval_points",
        mode="before",
    )
    @classmethod
    def _none_if_blank(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("api_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError("no such time zone") from None
        return value

    @field_validator("flower_basic_auth")
    @classmethod
    def _whole_login(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            FlowerLogin.parse(value.get_secret_value())
        return value

    @field_validator("tracing")
    @classmethod
    def _installed(cls, value: str) -> str:
        if value != "off" and not is_installed():
            raise ValueError(
                f"{value} needs OpenTelemetry: pip install 'reward-issuance[otel]', or set it to "
                "off"
            )
        return value

    @field_validator("dead_letter_webhook_secret")
    @classmethod
    def _signs(cls, value: SecretStr) -> SecretStr:
        read_webhook_keys(value.get_secret_value())
        return value

    @field_validator("reconcile_delays_seconds", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("reconcile_delays_seconds")
    @classmethod
    def _not_negative(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= seconds < float("inf") for seconds in value):
            raise ValueError(
                "must be numbers of seconds, 0 or more, with commas between them: 30,120,600"
            )
        return value

    @field_validator("metrics_networks", "web_proxy_addresses", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError(
                "must be networks with commas between them, each with its first address: "
                "10.0.0.0/8,192.168.1.0/24"
            ) from None

    @field_validator("api_url", "broker_url", "redis_url", "ledger_url", "dead_letter_webhook_url")
    @classmethod
    def _known_scheme(cls, value: str, info: object) -> str:
        schemes = _SCHEMES[info.field_name]  # type: ignore[attr-defined]  # pydantic's ValidationInfo
        if value and not value.startswith(schemes):
            raise ValueError(f"must start with {' or '.join(schemes)}")
        if value.startswith("postgresql") and not is_readable(value):
            raise ValueError(UNREADABLE.format(name="LEDGER"))
        ServerUrl.parse(value)
        return value.rstrip("/") if value.startswith("http") else value

    @model_validator(mode="after")
    def _keeps_secrets_on_the_way(self) -> Self:
        for name, url, allowed in (
            ("api", self.api_url, self.api_plain_http_host),
            (
                "dead_letter_webhook",
                self.dead_letter_webhook_url,
                self.dead_letter_webhook_plain_http_host,
            ),
        ):
            setting = f"ISSUANCE_{name.upper()}_PLAIN_HTTP_HOST"
            try:
                check_plain_http(url, allowed, f"{setting}=HOST")
            except ValueError as error:
                raise ValueError(f"{name.upper()}_URL: {error}") from None
        for part in TLS_PARTS:
            prefix = f"{part.upper()}_TLS"
            self.tls_of(part).check((f"{prefix}_CA", f"{prefix}_CERT", f"{prefix}_KEY"))
        return self

    @model_validator(mode="after")
    def _lets_no_stranger_in(self) -> Self:
        check_oidc(self.web_oidc_issuer, self.web_oidc_client_id, self.web_oidc_scopes)
        check_proxy(
            has_addresses=bool(self.web_proxy_addresses),
            user_header=self.web_proxy_user_header,
            groups_header=self.web_proxy_groups_header,
        )
        ca, name = TlsFiles(self.web_oidc_tls_ca), "WEB_OIDC_TLS_CA"
        ca.check((name, name, name))
        return self

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.api_auth == "oauth" and not (
            self.api_client_key and self.api_client_secret.get_secret_value()
        ):
            raise ValueError(
                "API_AUTH=oauth needs ISSUANCE_API_CLIENT_KEY and ISSUANCE_API_CLIENT_SECRET"
            )
        if self.api_data_scope == "OTHER" and not self.api_data_scope_org:
            raise ValueError(
                "API_DATA_SCOPE=OTHER needs ISSUANCE_API_DATA_SCOPE_ORG, the child "
                "organisation's id"
            )
        if self.call_window_seconds < 1:
            raise ValueError(
                "LEASE_SECONDS must be at least API_TIMEOUT_SECONDS + "
                f"{1 + _RECORD_MARGIN_SECONDS:g}, or a claim could lapse during a call: "
                "raise ISSUANCE_LEASE_SECONDS or lower ISSUANCE_API_TIMEOUT_SECONDS"
            )
        if self.retry_base_seconds > self.retry_cap_seconds:
            raise ValueError(
                "RETRY_BASE_SECONDS must not be above RETRY_CAP_SECONDS: lower the first"
            )
        if self.broker_url.startswith("amqp") and not self.redis_url:
            raise ValueError(
                "BROKER_URL is RabbitMQ: limits and locks still need Redis: set ISSUANCE_REDIS_URL"
            )
        if (
            self.broker_url.startswith("amqp")
            and self.visibility_timeout_seconds >= _CONSUMER_TIMEOUT_SECONDS
        ):
            raise ValueError(
                "LEASE_SECONDS is so long that RabbitMQ would take messages back while their "
                f"chunks are under way (consumer_timeout, {_CONSUMER_TIMEOUT_SECONDS} s): "
                "lower ISSUANCE_LEASE_SECONDS to 590 or less"
            )
        return self

    def tls_of(self, part: TlsPart) -> TlsFiles:
        """The files of TLS that the settings give for a part.

        Those of the ledger, the broker and Redis are in its URL, too.
        """
        return TlsFiles(*(getattr(self, f"{part}_tls_{file}") for file in ("ca", "cert", "key")))

    @property
    def call_window_seconds(self) -> float:
        """How long after the claim calls may start, so that each is recorded within the lease."""
        return self.lease_seconds - self.api_timeout_seconds - _RECORD_MARGIN_SECONDS

    @property
    def visibility_timeout_seconds(self) -> int:
        """Celery's visibility timeout on Redis.

        It is well above the lease, so that a redelivered message finds no claimed jobs.
        """
        return int(self.lease_seconds * 3) + _VISIBILITY_MARGIN_SECONDS

    @property
    def email_key(self) -> str:
        """The JSON key of an e-mail address for the configured endpoint (rewards-api §3.2)."""
        return self.api_email_key or self.api_variant.endpoint.email_key

    @property
    def flower_login(self) -> FlowerLogin | None:
        """The login of Flower's page; None if none is set."""
        text = self.flower_basic_auth.get_secret_value()
        return FlowerLogin.parse(text) if text else None

    @property
    def dead_letter_webhook_keys(self) -> tuple[bytes, ...]:
        """The keys that sign the POSTs to the webhook; none: they are not signed."""
        return read_webhook_keys(self.dead_letter_webhook_secret.get_secret_value())

    @cached_property
    def approval_policy(self) -> ApprovalPolicy:
        """When a second person must approve."""
        points = None if self.approval_points is None else self.approval_points * 1000
        return ApprovalPolicy(self.approval_units, points)

    @cached_property
    def retry_policy(self) -> RetryPolicy:
        """The bounds of retrying."""
        return RetryPolicy(
            max_attempts=self.retry_max_attempts,
            base_seconds=self.retry_base_seconds,
            cap_seconds=self.retry_cap_seconds,
            total_seconds=self.retry_total_seconds,
            reconcile_delays_seconds=self.reconcile_delays_seconds,
        )


_RECORD_MARGIN_SECONDS = 1.0
_VISIBILITY_MARGIN_SECONDS = 5
_CONSUMER_TIMEOUT_SECONDS = 1_800
"""RabbitMQ's default `consumer_timeout`."""
_SCHEMES = {
    "api_url": ("http://", "https://"),
    "broker_url": ("redis://", "rediss://", "amqp://", "amqps://"),
    "redis_url": ("redis://", "rediss://"),
    "ledger_url": ("postgresql://", "postgresql+psycopg://", "sqlite:///"),
    "dead_letter_webhook_url": ("http://", "https://"),
}


def field_of(name: str) -> str:
    """Return the field that a variable sets; any name, such as `ISSUANCE_API_URL`."""
    return name.lower().removeprefix("issuance_")


def ignored_links() -> list[str]:
    """Return the variables of the environment that Kubernetes made, and that are no settings."""
    return service_links(os.environ)
