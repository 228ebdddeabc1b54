"""Host, user, password and TLS of a server as settings of their own, put into its URL."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from issuance.server_url_text import UNREADABLE, URL_PARTS, is_readable

_HOSTS = re.compile(r"[A-Za-z0-9._\-:\[\]]+(,[A-Za-z0-9._\-:\[\]]+)*")
_SERVERS = {
    "ledger": "postgresql://{host}/issuance",
    "broker": "redis://{host}/0",
    "redis": "redis://{host}/0",
}
PARTS = ("host", "user", "password")
_CLIENTS_TLS = {"tls_ca": "ssl_ca_certs", "tls_cert": "ssl_certfile", "tls_key": "ssl_keyfile"}
_LIBPQS_TLS = {"tls_ca": "sslrootcert", "tls_cert": "sslcert", "tls_key": "sslkey"}
_WITHOUT_TLS = {
    "redis": "write rediss:// in ISSUANCE_{name}_URL",
    "amqp": "write amqps:// in ISSUANCE_{name}_URL",
}


def fill_urls(given: Mapping[str, object]) -> dict[str, object]:
    """Put `ledger_host`, `ledger_password`, `ledger_tls_ca` and their like into the URLs.

    Args:
        given: raw values of settings by field; an empty one is not given.

    Returns:
        The URLs to use instead, by field.

    Raises:
        ValueError: a part has no URL to go into; the message shows no value.
    """
    urls: dict[str, object] = {}
    for server, default in _SERVERS.items():
        parts = {part: _text(given.get(f"{server}_{part}")) for part in (*PARTS, *_LIBPQS_TLS)}
        if any(parts.values()):
            url = _text(given.get(f"{server}_url"))
            urls[f"{server}_url"] = _fill(server.upper(), url, default, parts)
    return urls


def _text(value: object) -> str:
    # a SecretStr, when code makes the settings
    secret = getattr(value, "get_secret_value", None)
    return str(secret() if secret else value or "").strip("\r\n")


def _fill(name: str, url: str, default: str, parts: Mapping[str, str]) -> str:
    host = parts["host"]
    if not url and not host:
        given = next(part for part in parts if parts[part]).upper()
        raise ValueError(f"{name}_{given} has no server: set ISSUANCE_{name}_HOST or _URL")
    if host and not _HOSTS.fullmatch(host):
        raise ValueError(f"{name}_HOST must be host or host:port; several with commas")
    tls = {part: file for part in _LIBPQS_TLS if (file := parts[part])}
    if not url:
        url = default.format(host=host)
        url = url.replace("redis:", "rediss:") if tls else url
    if url.startswith("sqlite"):
        raise ValueError(f"{name}_URL is a file: remove {', '.join(_names(name, parts))}")
    found = URL_PARTS.fullmatch(url)
    if found is None or not is_readable(url):
        raise ValueError(f"{name}_URL {UNREADABLE.format(name=name)}")
    user, colon, password = (found["login"] or "").partition(":")
    if parts["user"]:
        user = quote(parts["user"], safe="")
    if parts["password"]:
        colon, password = ":", quote(parts["password"], safe="")
    login = f"{user}{colon}{password}@" if user or password else ""
    rest = _with_tls(name, found["scheme"], found["rest"], tls) if tls else found["rest"]
    return f"{found['scheme']}://{login}{host or found['host']}{rest}"


def _with_tls(name: str, scheme: str, rest: str, tls: Mapping[str, str]) -> str:
    """Put files of TLS into the path and query of a URL, in place of those that it has."""
    remedy = _WITHOUT_TLS.get(scheme)
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if options.get("sslmode") == "disable":
        remedy = "remove sslmode=disable from ISSUANCE_{name}_URL"
    if remedy:
        given = " and ".join(_names(name, tls))
        raise ValueError(
            f"{name}_URL is without TLS: {remedy.format(name=name)}, or remove {given}"
        )
    keys = _LIBPQS_TLS if scheme.startswith("postgresql") else _CLIENTS_TLS
    if len(options) < len(parse_qsl(query, keep_blank_values=True)):
        raise ValueError(f"{name}_URL has an option twice: remove one")
    options |= {keys[part]: file for part, file in tls.items()}
    if "tls_key" not in tls and "tls_cert" in tls:
        options[keys["tls_key"]] = tls["tls_cert"]
    return f"{path}?{urlencode(options, safe='/,:', quote_via=quote)}"


def split_login(url: str) -> tuple[str, str]:
    """Return a URL without its user and password, and these as they are written in it."""
    found = URL_PARTS.fullmatch(url)
    if found is None or not found["login"]:
        return url, ""
    return f"{found['scheme']}://{found['host']}{found['rest']}", found["login"]


def with_login(url: str, login: str) -> str:
    """Put a user and password back into a URL, as `split_login` returned them."""
    if not login:
        return url
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{login}@{rest}"


def _names(name: str, parts: Mapping[str, str]) -> list[str]:
    return [f"ISSUANCE_{name}_{part.upper()}" for part in parts if parts[part]]
