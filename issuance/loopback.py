"""Whether a host is this machine: such a connection crosses no network."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address, without brackets, is a loopback one."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")
