"""The person whom a trusted proxy names in a header; from any other address it is ignored."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.requests import HTTPConnection

from config.settings import Settings
from operations.people.external import ExternalPerson


def person_of_proxy(settings: Settings, request: HTTPConnection) -> ExternalPerson | None:
    """Return the person; None: no proxy is trusted, the peer is another, or it names no person.

    Only the connection's own address counts: headers such as X-Forwarded-For can be made up.
    """
    networks = settings.web_proxy_addresses
    peer = _peer(request) if networks else None
    if peer is None or not any(peer in network for network in networks):
        return None
    names = request.headers.getlist(settings.web_proxy_user_header)
    if len(names) != 1:
        # Of two, one may be the client's own, which the proxy did not remove.
        return None
    return ExternalPerson.named(names[0], _groups(settings.web_proxy_groups_header, request))


def _peer(request: HTTPConnection) -> IPv4Address | IPv6Address | None:
    if request.client is None:
        return None
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _groups(header: str, request: HTTPConnection) -> list[str]:
    given = request.headers.getlist(header) if header else []
    if len(given) != 1:
        return []
    return [group.strip() for group in given[0].split(",") if group.strip()]
