"""Checks the settings by which others log people in to the web console: a provider, or a proxy."""

from typing import Final
from urllib.parse import urlsplit

from issuance.loopback import is_loopback

HEADER_NAME: Final = r"^[A-Za-z0-9-]*$"


def check_oidc(issuer: str, client_id: str, scopes: str) -> None:
    """Refuse a provider that is named by halves, or that is asked without encryption.

    Raises:
        ValueError: the message begins with the setting's name and ends with the remedy.
    """
    if not issuer:
        if client_id:
            raise ValueError(
                "WEB_OIDC_CLIENT_ID is of no provider: set ISSUANCE_WEB_OIDC_ISSUER too"
            )
        return
    parts = urlsplit(issuer)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    )
    if not (is_safe and parts.hostname) or parts.query or parts.fragment:
        raise ValueError(
            "WEB_OIDC_ISSUER must be an https:// URL without ? and #, exactly as the provider's "
            "discovery document writes it; http:// is for this machine only"
        )
    if not client_id:
        raise ValueError("WEB_OIDC_ISSUER needs ISSUANCE_WEB_OIDC_CLIENT_ID: set it too")
    if "openid" not in scopes.split():
        raise ValueError("WEB_OIDC_SCOPES must contain openid: add it")


def check_proxy(*, has_addresses: bool, user_header: str, groups_header: str) -> None:
    """Refuse a proxy that is named by halves.

    Raises:
        ValueError: the message begins with the setting's name and ends with the remedy.
    """
    if has_addresses and not user_header:
        raise ValueError(
            "WEB_PROXY_ADDRESSES needs the header that names the person: set "
            "ISSUANCE_WEB_PROXY_USER_HEADER too"
        )
    if (user_header or groups_header) and not has_addresses:
        name = "WEB_PROXY_USER_HEADER" if user_header else "WEB_PROXY_GROUPS_HEADER"
        raise ValueError(
            f"{name} would let anyone name themselves: set the proxy's addresses in "
            "ISSUANCE_WEB_PROXY_ADDRESSES too"
        )
