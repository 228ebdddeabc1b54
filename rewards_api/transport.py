"""The transport to the API: aiohttp's connections behind httpx's interface."""

import urllib.request

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from issuance.loopback import is_loopback
from rewards_api.account import ApiAccount
from rewards_api.tls import make_context

# Below the idle timeouts of common servers and balancers (60 s and more), so that calls rarely use
# a connection which the server has just closed: such a call is in doubt.
_KEEPALIVE_SECONDS = 15.0
# Connections for tokens and reads, so that issue calls never wait for a slot.
_SPARE_CONNECTIONS = 10
_DNS_SECONDS = 30
# What an edge adds (policies, cookies, timings) is read and ignored: aiohttp's own limits of
# 8,190 bytes and 128 fields would put every issued reward in doubt.
_LONGEST_HEADER_BYTES = 96 * 1024
_MOST_HEADERS = 4_096


def open_transport(account: ApiAccount) -> AiohttpTransport:
    """Open the transport; it connects on first use, in the event loop that runs then.

    httpx's own pool takes quadratic time in the number of concurrent calls; aiohttp's does not.
    """
    context = make_context(account.tls)

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=context,
                limit=account.max_concurrent + _SPARE_CONNECTIONS,
                keepalive_timeout=_KEEPALIVE_SECONDS,
                ttl_dns_cache=_DNS_SECONDS,
            ),
            # The API has no sessions; a gateway's cookies would only enlarge every request.
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Response,
            max_line_size=_LONGEST_HEADER_BYTES,
            max_field_size=_LONGEST_HEADER_BYTES,
            max_headers=_MOST_HEADERS,
        )

    return AiohttpTransport(verify=context, client=open_session, proxy=find_proxy(account.base_url))


class _Response(aiohttp.ClientResponse):
    """A response without its reason phrase, whose bytes need not be text."""

    async def start(self, connection: aiohttp.connector.Connection) -> "_Response":
        """Read the head."""
        await super().start(connection)
        self.reason = None
        return self


def find_proxy(base_url: str) -> httpx.Proxy | None:
    """Find the API's proxy in the environment's `*_PROXY` and `NO_PROXY`, if any.

    httpx ignores these variables once a transport is given. A loopback API (the simulator) is
    always called directly, because no proxy could reach it.
    """
    url = httpx.URL(base_url)
    if is_loopback(url.host) or urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return httpx.Proxy(proxy if "://" in proxy else f"http://{proxy}") if proxy else None
