"""The rewards API client: sends exactly the given bytes, and turns whatever happens into a reply."""

import asyncio
import logging
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx

from issuance.customer import Customer
from issuance.endpoint import OWN_READS, Reads, Variant
from issuance.replies.reply import Answer, NoAnswer, Reply
from rewards_api.account import ApiAccount
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
from rewards_api.retry_after import read_retry_after
from rewards_api.token_endpoint import fetch_token
from rewards_api.token_store import MemoryTokenStore
from rewards_api.tokens import Tokens, TokenStore
from rewards_api.transport import open_transport

_TRACKING_ID_LENGTH = 128
# Largest part of the total time that connecting may take: a call that runs out of its time while it
# still connects could not be told from one that was sent.
_CONNECT_SHARE = 0.8


class RewardsClient:
    """Calls the rewards API for one account, from one event loop.

    Every failure to get an answer is a `NoAnswer`; only cancellation (and a caller's bug) raises.

    Args:
        account: whom to call, as whom, and the bounds of one call.
        transport: the way to the API, which adds Host and Content-Length; None: aiohttp's
            connections. It is closed with the client.
        token_store: where processes share the OAuth token; None: this process has its own.
    """

    def __init__(
        self,
        account: ApiAccount,
        transport: httpx.AsyncBaseTransport | None = None,
        token_store: TokenStore | None = None,
    ) -> None:
        # httpx logs the URL of every request at INFO: that names the till, and in reads the
        # customer.
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

    async def issue(self, variant: Variant, body: bytes, reward_id: int | None = None) -> Reply:
        """Send one issue call with exactly these bytes (rewards-api §1, §2).

        Args:
            variant: the endpoint.
            body: the frozen body.
            reward_id: the reward, for an endpoint that has it in its path.

        Raises:
            ValueError: the path needs a reward id and there is none, which is a bug of the caller.
        """
        return await self._call(self._requests.issue(variant, body, reward_id))

    async def customer_id(self, customer: Customer, *, reads: Reads = OWN_READS) -> CustomerReply:
        """Look up the API's own id of a customer.

        Args:
            customer: the identifier a job carries.
            reads: the calls of the job's endpoint.
        """
        return read_customer(await self._call(self._requests.customer_id(customer, reads=reads)))

    async def issuals(
        self,
        customer_id: int | str,
        reward_id: int | None = None,
        page: int = 0,
        size: int = LARGEST_PAGE,
        *,
        status: bool | None = None,
        reads: Reads = OWN_READS,
    ) -> IssualsReply:
        """Read a page of a customer's transactions, good and failed (rewards-api §8).

        Args:
            customer_id: the API's own id of the customer.
            reward_id: only this reward's; None: all.
            page: counts from 0.
            size: entries a page, 1 to 50; larger ones are cut, so that both kinds of list take
                them.
            status: only good (True) or failed (False) ones; None: both.
            reads: the calls of the job's endpoint.
        """
        size = min(size, LARGEST_PAGE)
        request = self._requests.issuals(
            customer_id, reward_id, page, size, status=status, reads=reads
        )
        return read_issuals(await self._call(request), size)

    async def transaction_detail(
        self,
        customer_id: int | str | None,
        reward_transaction_id: int | str,
        *,
        reads: Reads = OWN_READS,
    ) -> DetailReply:
        """Read one issued transaction with the vouchers' codes as they were made (rewards-api §8).

        Args:
            customer_id: the API's own id of the customer; None: read by the transaction's id alone,
                which is always so for connected organisations.
            reward_transaction_id: the issue answer's `transactionId`.
            reads: the calls of the job's endpoint.
        """
        request = self._requests.transaction_detail(customer_id, reward_transaction_id, reads=reads)
        return read_detail(await self._call(request))

    async def revoke(self, transaction_id: int | str, reason: str, by: str) -> RevokeReply:
        """Cancel a whole issued transaction and give its points back (rewards-api §9); for operators.

        An `Unreadable` reply leaves open whether it was cancelled: revoking again tells (13003: it
            was).

        Args:
            transaction_id: the issue answer's `transactionId`.
            reason: kept by the API.
            by: who revokes it; kept by the API.
        """
        return read_revoke(await self._call(self._requests.revoke(transaction_id, reason, by)))

    async def aclose(self) -> None:
        """Close the connections; calls under way get no answer."""
        if self._tokens is not None:
            await self._tokens.aclose()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _call(self, request: httpx.Request) -> Reply:
        try:
            # One bound over everything: a server that sends a byte a second must not hold the call.
            async with asyncio.timeout(self._account.timeout_seconds):
                response = await self._send(request)
                try:
                    body = await read_body(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            if self._tokens is not None and TOKEN_HEADER not in request.headers:
                return NoAnswer("token", "unavailable: the token endpoint is too slow", sent=False)
            return explain(error)
        except Exception as error:  # noqa: BLE001  # no failure of a call may escape as an exception
            return explain(error)
        return _answer(response, body)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if self._auth is not None:
            return await self._http.send(request, auth=self._auth, stream=True)
        # Nothing is left for httpx's client to do: no login, and cookies and redirects are not
        # wanted.
        return await self._transport.handle_async_request(request)


def _open_http(account: ApiAccount, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    connect = min(account.connect_timeout_seconds, account.timeout_seconds * _CONNECT_SHARE)
    client = httpx.AsyncClient(
        transport=transport,
        headers=HEADERS,
        # `pool` bounds slot, name and connection together; answers are bounded by the total time
        # alone.
        timeout=httpx.Timeout(None, connect=connect, pool=connect),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        trust_env=False,
    )
    # httpx parses every answer's URL and headers for cookies, whether or not any is kept: a
    # twentieth of a call. Should httpx no longer have the attribute, this does nothing, and the
    # policy above still keeps none.
    client._cookies = _NoCookies()  # noqa: SLF001  # there is no public way
    return client


class _NoCookies(httpx.Cookies):
    """Keeps none and looks for none."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Look for nothing."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Send nothing."""


def _answer(response: httpx.Response, body: bytes) -> Answer:
    headers = response.headers
    retry_after = headers.get("retry-after")
    tracking_id = headers.get("x-cap-requestid")
    return Answer(
        status=response.status_code,
        body=body,
        retry_after=read_retry_after(retry_after, datetime.now(UTC), headers.get("date"))
        if retry_after
        else None,
        tracking_id=tracking_id[:_TRACKING_ID_LENGTH] if tracking_id else None,
    )
