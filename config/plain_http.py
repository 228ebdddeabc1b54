"""`http://` only on this machine, or where the operator allows it by the host's name."""

from urllib.parse import urlsplit

from issuance.loopback import is_loopback


def check_plain_http(url: str, allowed_host: str, setting: str) -> None:
    """Refuse an `http://` URL of another machine.

    Args:
        url: any URL, or an empty one.
        allowed_host: the host that may be called without TLS; "" if there is none.
        setting: what allows a host, for the message.

    Raises:
        ValueError: it would send credentials, customers and vouchers over a network unencrypted.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme.lower() != "http" or not host or is_loopback(host):
        return
    if host == allowed_host.lower():
        return
    raise ValueError(
        f"http:// would send everything to {host} unencrypted: write https://, or allow this host "
        f"on a network that you trust: {setting}"
    )
