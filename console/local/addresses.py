"""Addresses that our servers listen on: free ports, and hosts that this machine has."""

import errno
import os
import socket
from typing import Any

from config.endpoints import RunningSystem
from config.settings import SettingsError
from operations.services import Services


def free_port() -> int:
    """Find a port on 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether this port of a host's addresses is free now. An address we do not have is free."""
    return _bind(host, port) not in (errno.EADDRINUSE, errno.EACCES)


def require_host(part: str, host: str) -> None:
    """Check that a server of ours can listen on a host.

    Args:
        part: the first word of its settings, such as FLOWER.
        host: a name or an address.

    Raises:
        SettingsError: this machine has no such address.
    """
    if problem := _bind(host, 0):
        raise SettingsError(
            f"ISSUANCE_{part}_HOST: {host} cannot be listened on ({os.strerror(problem)}): set an "
            "address of this machine, such as 127.0.0.1"
        )


def page_url(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a server that listens on a host."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # only shown
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def console_url(services: Services) -> str:
    """Return the address of the web console that people open."""
    settings = services.settings
    if settings.web_url:
        return settings.web_url.rstrip("/")
    running = RunningSystem.find(settings.home)
    if running is not None and running.web_url:
        return running.web_url
    return page_url(settings.web_host, settings.web_port)


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of a host's addresses: IPv4, if it has one of these.

    Raises:
        OSError: there is no such host.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    families = [family for family, *_ in found]
    return socket.AF_INET if socket.AF_INET in families else families[0]


def _bind(host: str, port: int) -> int:
    """Bind a port of a host's addresses for a moment; return 0, or the number of the last error.

    0 also if one address can be bound: a name may have one that this machine does not use, such as
    that of IPv6. A port that is in use counts for all.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return errno.EADDRNOTAVAIL
    problems = [_bind_address(family, address) for family, _, _, _, address in found]
    if errno.EADDRINUSE in problems:
        return errno.EADDRINUSE
    return 0 if 0 in problems else problems[-1]


def _bind_address(family: int, address: tuple[Any, ...]) -> int:
    try:
        with socket.socket(family) as probe:
            # As servers do: a port is free although old connections are in TIME_WAIT.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return 0
