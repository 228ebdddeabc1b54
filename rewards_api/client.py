"""The rewards API client: sends the given bytes unchanged, and returns every result as a reply."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx

from issuance.customer import Customer
from issuance.endpoint import OWN_READS, Reads, Variant
from issuance.replies.reply import NoAnswer, Reply
from rewards_api.account import ApiAccount
from rewards_api.answer import read_answer, rescue
from rewards_api.auth import TOKEN_HEADER, TokenAuth
from rewards_api.body import read_body
from rewards_api.failure import explain
from rewards_api.reads import (
    CustomerReply,
    DetailReply,
    IssualsReply,
    RevokeReply,
    read_customer,
    read_detail,
    read_issuals,
    read_revoke,
)
from rewards_api.requests import HEADERS, LARGEST_PAGE, Requests
from rewards_api.token_endpoint import fetch_token
from rewards_api.token_store import MemoryTokenStore
from rewards_api.tokens import Tokens, TokenStore
from rewards_api.transport import open_transport

# Largest share of the total time for connecting. If the total time ran out while the call still
# connects, the timeout could not show that nothing was sent.
_CONNECT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe showed."""

    reply: Reply
    detail: DetailReply
    """`NotFound` is the expected one."""
    at: datetime
    """The middle of the call, by our clock."""
    api_time: datetime | None
    """The answer's `Date`; None if there was none."""


class RewardsClient:
    """Calls the rewards API for one account, from one event loop.

    Every failure to get an answer is a `NoAnswer`; only cancellation and a caller's bug raise.

    Args:
        account: the API's address, our credentials, and the bounds of one call.
        transport: sends the requests, and adds Host and Content-Length; None: aiohttp's
            connections. It is closed with the client.
        token_store: where processes share the OAuth token; None: this process has its own.
    """

    def __init__(
        self,
        account: ApiAccount,
        transport: httpx.AsyncBaseTransport | None = None,
        token_store: TokenStore | None = None,
    ) -> None:
        # httpx logs every URL at INFO, with the till and, in reads, the customer.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._account = account
        self._transport = transport or open_transport(account)
        self._http = _open_http(account, self._transport)
        self._tokens: Tokens | None = None
        self._auth: httpx.Auth | None = None
        if account.auth == "oauth":
            self._tokens = Tokens(
                lambda: fetch_token(self._http, account), token_store or MemoryTokenStore()
            )
            self._auth = TokenAuth(self._tokens)
        self._requests = Requests(account, self._http.timeout)

    async def issue(
        self,
        variant: Variant,
        body: bytes,
        reward_id: int | None = None,
        *,
        scope: str | None = None,
        traceparent: str | None = None,
    ) -> Reply:
        """Send one issue call with exactly these bytes (rewards-api §1, §2).

        Args:
            variant: the endpoint.
            body: the frozen body.
            reward_id: the reward, for an endpoint that has it in its path.
            scope: the job's data scope; None: the account's. Only sent to a scoped endpoint.
            traceparent: sent as this header; None: there is none.

        Raises:
            ValueError: the path needs a reward id and the caller gave none.
        """
        return await self._call(self._requests.issue(variant, body, reward_id, scope, traceparent))

    async def customer_id(
        self, customer: Customer, *, reads: Reads = OWN_READS, scope: str | None = None
    ) -> CustomerReply:
        """Look up the API's own id of a customer.

        Args:
            customer: the job's identifier.
            reads: the read calls of the job's endpoint.
            scope: one of `read_scopes`; None: the account's. Only sent by scoped reads.
        """
        request = self._requests.customer_id(customer, reads=reads, scope=scope)
        return read_customer(await self._call(request))

    async def issuals(
        self,
        customer_id: int | str,
        reward_id: int | None = None,
        page: int = 0,
        size: int = LARGEST_PAGE,
        *,
        status: bool | None = None,
        reads: Reads = OWN_READS,
        scope: str | None = None,
    ) -> IssualsReply:
        """Read a page of a customer's transactions, successful and failed (rewards-api §8).

        Args:
            customer_id: the API's own id of the customer.
            reward_id: only this reward's; None: all.
            page: counts from 0.
            size: entries per page, at least 1; more than 50 is read as 50, the most that both
                kinds of list accept.
            status: only successful (True) or failed (False) ones; None: both.
            reads: the read calls of the job's endpoint.
            scope: as for `customer_id`.
        """
        size = min(size, LARGEST_PAGE)
        request = self._requests.issuals(
            customer_id, reward_id, page, size, status=status, reads=reads, scope=scope
        )
        return read_issuals(await self._call(request), size)

    async def transaction_detail(
        self,
        customer_id: int | str | None,
        reward_transaction_id: int | str,
        *,
        reads: Reads = OWN_READS,
        scope: str | None = None,
    ) -> DetailReply:
        """Read one issued transaction, voucher codes in original case (rewards-api §8).

        Args:
            customer_id: the API's own id of the customer; None: read by the transaction's id alone,
                as always for connected organisations.
            reward_transaction_id: the issue answer's `transactionId`.
            reads: the read calls of the job's endpoint.
            scope: as for `customer_id`.
        """
        request = self._requests.transaction_detail(
            customer_id, reward_transaction_id, reads=reads, scope=scope
        )
        return read_detail(await self._call(request))

    async def revoke(self, transaction_id: int | str, reason: str, by: str) -> RevokeReply:
        """Cancel a whole issued transaction and return its points (rewards-api §9); for operators.

        After an `Unreadable` reply it may or may not be cancelled: a second revoke shows it (13003
        means that it is).

        Args:
            transaction_id: the issue answer's `transactionId`.
            reason: kept by the API.
            by: the operator who revokes it; kept by the API.
        """
        return read_revoke(await self._call(self._requests.revoke(transaction_id, reason, by)))

    async def probe(self, *, reads: Reads = OWN_READS, scope: str | None = None) -> Probe:
        """Read a transaction that does not exist: shows whether the API accepts our credentials.

        Args:
            reads: the read calls of the account's endpoint.
            scope: as for `customer_id`.
        """
        seen: list[httpx.Response] = []
        request = self._requests.transaction_detail(None, 0, reads=reads, scope=scope)
        before = datetime.now(UTC)
        reply = await self._call(request, seen.append)
        middle = before + (datetime.now(UTC) - before) / 2
        return Probe(reply, read_detail(reply), middle, _read_date(seen))

    async def aclose(self) -> None:
        """Close the connections; calls in flight get no answer."""
        if self._tokens is not None:
            await self._tokens.aclose()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _call(
        self, request: httpx.Request, see: Callable[[httpx.Response], None] = lambda _: None
    ) -> Reply:
        response: httpx.Response | None = None
        arrived = bytearray()
        try:
            # One timeout for everything: a server that sends a byte a second must not hold a call.
            async with asyncio.timeout(self._account.timeout_seconds):
                response = await self._send(request)
                see(response)
                try:
                    body = await read_body(response, arrived=arrived)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            if self._tokens is not None and TOKEN_HEADER not in request.headers:
                return NoAnswer("token", "unavailable: the token endpoint is too slow", sent=False)
            return rescue(response, arrived) or explain(error)
        except Exception as error:  # noqa: BLE001  # no failure of a call may escape as an exception
            return rescue(response, arrived) or explain(error)
        return read_answer(response, body)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if self._auth is not None:
            return await self._http.send(request, auth=self._auth, stream=True)
        # The httpx client adds only authentication, cookies and redirects, all unwanted here.
        return await self._transport.handle_async_request(request)


def _read_date(responses: Sequence[httpx.Response]) -> datetime | None:
    try:
        found = parsedate_to_datetime(responses[0].headers["date"])
    except (LookupError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _open_http(account: ApiAccount, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    connect = min(account.connect_timeout_seconds, account.timeout_seconds * _CONNECT_SHARE)
    client = httpx.AsyncClient(
        transport=transport,
        headers=HEADERS,
        # `pool` bounds slot, DNS and connection together; only the total time bounds answers.
        timeout=httpx.Timeout(None, connect=connect, pool=connect),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        trust_env=False,
    )
    # httpx parses the URL and headers of every answer for cookies, even when it keeps none: 5 % of
    # a call's cost. If httpx drops the attribute, this has no effect, and the policy above still
    # keeps none.
    client._cookies = _NoCookies()  # noqa: SLF001  # there is no public way
    return client


class _NoCookies(httpx.Cookies):
    """Keeps no cookies and does not parse any."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Ignore the answer's cookies."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Add no cookies."""
