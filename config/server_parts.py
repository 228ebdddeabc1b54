"""Host, user and password of a server as settings of their own, put into its URL."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from issuance.server_url_text import UNREADABLE, URL_PARTS, is_readable

_HOSTS = re.compile(r"[A-Za-z0-9._\-:\[\]]+(,[A-Za-z0-9._\-:\[\]]+)*")
_SERVERS = {
    "ledger": "postgresql://{host}/issuance",
    "broker": "redis://{host}/0",
    "redis": "redis://{host}/0",
}
PARTS = ("host", "user", "password")


def fill_urls(given: Mapping[str, object]) -> dict[str, object]:
    """Put `ledger_host`, `ledger_user`, `ledger_password` and their like into the URLs.

    Args:
        given: raw values of settings by field; an empty one is not given.

    Returns:
        The URLs to use instead, by field.

    Raises:
        ValueError: a part has no URL to go into; the message shows no value.
    """
    urls: dict[str, object] = {}
    for server, default in _SERVERS.items():
        parts = {part: _text(given.get(f"{server}_{part}")) for part in PARTS}
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
        given = next(part for part in PARTS if parts[part]).upper()
        raise ValueError(f"{name}_{given} has no server: set ISSUANCE_{name}_HOST or _URL")
    if host and not _HOSTS.fullmatch(host):
        raise ValueError(f"{name}_HOST must be host or host:port; several with commas")
    url = url or default.format(host=host)
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
    return f"{found['scheme']}://{login}{host or found['host']}{found['rest']}"


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
    return [f"ISSUANCE_{name}_{part.upper()}" for part in PARTS if parts[part]]
