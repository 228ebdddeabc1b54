"""The way to the API: aiohttp's connections under httpx's interface, for one account."""

import urllib.request
from ipaddress import ip_address

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from rewards_api.account import ApiAccount

# Below the idle timeouts of usual servers and balancers (60 s and more), and short enough that a
# connection which the server has closed is hardly ever picked for the next call: a call that meets
# a closed connection is in doubt.
_KEEPALIVE_SECONDS = 15.0
# Room for token calls and reads beside the issue calls, so that a call never waits for a slot.
_SPARE_CONNECTIONS = 10
_DNS_SECONDS = 30


def open_transport(account: ApiAccount) -> AiohttpTransport:
    """Open the transport; connections are made on first use, in the loop that runs then.

    httpx's own pool is quadratic in the number of concurrent calls, aiohttp's is not.
    """
    context = httpx.create_ssl_context()

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=context,
                limit=account.max_concurrent + _SPARE_CONNECTIONS,
                keepalive_timeout=_KEEPALIVE_SECONDS,
                ttl_dns_cache=_DNS_SECONDS,
            ),
            # The API has no sessions; an edge's cookies would only grow every request.
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    return AiohttpTransport(verify=context, client=open_session, proxy=find_proxy(account.base_url))


def find_proxy(base_url: str) -> httpx.Proxy | None:
    """Find the proxy that the environment's `*_PROXY` and `NO_PROXY` name for the API, if any.

    Operators behind a proxy expect these variables to work, as they do for httpx itself, which
    ignores them once a transport is given. A loopback API (the simulator) is always called
    directly: no proxy could reach it.
    """
    url = httpx.URL(base_url)
    if _is_loopback(url.host) or urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return httpx.Proxy(proxy if "://" in proxy else f"http://{proxy}") if proxy else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
