"""The rewards API client: sends exactly the given bytes, and turns whatever happens into a reply."""

import asyncio
import logging
from datetime import UTC, datetime
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self
from urllib.parse import quote, urlencode

import httpx

from issuance.job import Variant
from issuance.reply import Answer, NoAnswer, Reply
from worker.api.account import ApiAccount
from worker.api.auth import TOKEN_HEADER, TillAuth, TokenAuth
from worker.api.body import read_body
from worker.api.failure import explain
from worker.api.reads import DetailReply, read_detail
from worker.api.retry_after import read_retry_after
from worker.api.token_endpoint import fetch_token
from worker.api.token_store import MemoryTokenStore
from worker.api.tokens import Tokens, TokenStore
from worker.api.transport import open_transport

_CORE = "/api_gateway/rewards/core"
# Identity: answers are small, so packing them would cost more than it saves.
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "reward-issuance"}
_TRACKING_ID_LENGTH = 128
# Distinct rewards whose URL is kept ready (single endpoint); a campaign has a handful.
_READY_URLS = 512
# Largest part of the total time that connecting may take: a call that runs out of its time while it
# still connects could not be told from one that was sent.
_CONNECT_SHARE = 0.8


class RewardsClient:
    """Calls the rewards API for one account, from one event loop.

    Every failure to get an answer is a `NoAnswer`; only cancellation (and a caller's bug) raises.

    Args:
        account: whom to call, as whom, and the bounds of one call.
        transport: the way to the API; None: aiohttp's connections. It is closed with the client.
        token_store: where processes share the OAuth token; None: this process has its own.
    """

    def __init__(
        self,
        account: ApiAccount,
        transport: httpx.AsyncBaseTransport | None = None,
        token_store: TokenStore | None = None,
    ) -> None:
        # httpx logs the URL of every request at INFO: that names the till, and in reads the customer.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._account = account
        self._http = _open_http(account, transport or open_transport(account))
        self._tokens: Tokens | None = None
        self._auth: httpx.Auth
        if account.auth == "oauth":
            self._tokens = Tokens(lambda: fetch_token(self._http, account), token_store or MemoryTokenStore())
            self._auth = TokenAuth(self._tokens)
        else:
            self._auth = TillAuth(account.till, account.password)
        self._extensions = {"timeout": self._http.timeout.as_dict()}
        self._prepare_requests()

    def _prepare_requests(self) -> None:
        """Build once what all requests share: at 2,000 calls a second it shows."""
        headers = httpx.Headers(_HEADERS)
        issue = httpx.Headers({**headers, "Content-Type": "application/json"})
        scope = _scope_headers(self._account)
        self._headers = {
            Variant.SINGLE: issue,
            Variant.BULK: issue,
            Variant.CONNECTED: httpx.Headers({**issue, **scope}),
        }
        self._read_headers = {False: headers, True: httpx.Headers({**headers, **scope})}
        self._bulk_url = self._issue_url("/v1/user/rewards/issue")
        self._connected_url = self._issue_url("/v1.1/user/rewards/issue")
        self._single_url = lru_cache(_READY_URLS)(self._build_single_url)

    async def issue(self, variant: Variant, body: bytes, reward_id: int | None = None) -> Reply:
        """Send one issue call with exactly these bytes (rewards-api §1, §2).

        Args:
            variant: the endpoint.
            body: the frozen body.
            reward_id: the reward of the single endpoint's path; the others do not look at it.

        Raises:
            ValueError: the single endpoint without a reward id, which is a bug of the caller.
        """
        match variant:
            case Variant.SINGLE:
                if reward_id is None:
                    raise ValueError("The single endpoint needs the reward's id for its path")
                url = self._single_url(reward_id)
            case Variant.BULK:
                url = self._bulk_url
            case Variant.CONNECTED:
                url = self._connected_url
        return await self._call(
            httpx.Request("POST", url, headers=self._headers[variant], content=body, extensions=self._extensions)
        )

    async def transaction_detail(
        self, customer_id: int | str, reward_transaction_id: int | str, *, connected: bool = False
    ) -> DetailReply:
        """Read one issued transaction with the vouchers' codes as they were made (rewards-api §8).

        Args:
            customer_id: the API's own id of the customer; connected organisations' path has none.
            reward_transaction_id: the issue answer's `transactionId`.
            connected: read through the connected organisations' endpoint and its data scope.
        """
        transaction = quote(str(reward_transaction_id), safe="")
        customer = quote(str(customer_id), safe="")
        path = (
            f"/v1.1/reward-transactions/{transaction}?couponCodeCase=AS_IT_IS"
            if connected
            else f"/v1/management/customer/{customer}/issuals/{transaction}?coupon_code_case=AS_IT_IS"
        )
        return read_detail(
            await self._call(
                httpx.Request(
                    "GET",
                    self._account.url(_CORE + path),
                    headers=self._read_headers[connected],
                    extensions=self._extensions,
                )
            )
        )

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
                response = await self._http.send(request, auth=self._auth, stream=True)
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

    def _issue_url(self, path: str) -> httpx.URL:
        query = urlencode({"username": self._account.till, "skip_validation": "true"})
        return httpx.URL(self._account.url(f"{_CORE}{path}?{query}"))

    def _build_single_url(self, reward_id: int) -> httpx.URL:
        return self._issue_url(f"/v1/user/reward/{reward_id}/issue")


def _open_http(account: ApiAccount, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    connect = min(account.connect_timeout_seconds, account.timeout_seconds * _CONNECT_SHARE)
    return httpx.AsyncClient(
        transport=transport,
        headers=_HEADERS,
        # `pool` bounds slot, name and connection together; answers are bounded by the total time alone.
        timeout=httpx.Timeout(None, connect=connect, pool=connect),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        trust_env=False,
    )


def _scope_headers(account: ApiAccount) -> dict[str, str]:
    headers = {"DATA-SCOPE": account.data_scope, "DATA-SCOPE-ORG": account.data_scope_org}
    return {name: value for name, value in headers.items() if value}


def _answer(response: httpx.Response, body: bytes) -> Answer:
    headers = response.headers
    retry_after = headers.get("retry-after")
    tracking_id = headers.get("x-cap-requestid")
    return Answer(
        status=response.status_code,
        body=body,
        retry_after=read_retry_after(retry_after, datetime.now(UTC)) if retry_after else None,
        tracking_id=tracking_id[:_TRACKING_ID_LENGTH] if tracking_id else None,
    )
