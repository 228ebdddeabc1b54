"""The calls of the rewards API as requests: paths, queries and headers of one account (rewards-api §1, §2)."""

from functools import lru_cache
from urllib.parse import quote, urlencode

import httpx
from pydantic_core import to_json

from issuance.customer import Customer
from issuance.job import Variant
from rewards_api.account import ApiAccount
from rewards_api.auth import till_header

_CORE = "/api_gateway/rewards/core"
# Identity: answers are small, so packing them would cost more than it saves.
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "reward-issuance",
}
LARGEST_PAGE = 50
"""The largest page that both kinds of list give (rewards-api §8)."""
# Distinct rewards whose URL is kept ready (single endpoint); a campaign has a handful.
_READY_URLS = 512


class Requests:
    """Builds the requests of one account; what they share is built once: at 2,000 calls a second it shows.

    Args:
        account: whom to call, and as whom.
        timeout: the bounds that every request carries.
    """

    def __init__(self, account: ApiAccount, timeout: httpx.Timeout) -> None:
        self._account = account
        self._extensions = {"timeout": timeout.as_dict()}
        headers = httpx.Headers(HEADERS)
        if account.auth == "basic":
            headers["Authorization"] = till_header(account.till, account.password)
        self._post_headers = httpx.Headers({**headers, "Content-Type": "application/json"})
        scope = _scope_headers(account)
        self._connected_headers = httpx.Headers({**self._post_headers, **scope})
        self._read_headers = {False: headers, True: httpx.Headers({**headers, **scope})}
        self._bulk_url = self._issue_url("/v1/user/rewards/issue")
        self._connected_url = self._issue_url("/v1.1/user/rewards/issue")
        self._single_url = lru_cache(_READY_URLS)(self._build_single_url)

    def issue(self, variant: Variant, body: bytes, reward_id: int | None) -> httpx.Request:
        """An issue call with exactly these bytes.

        Raises:
            ValueError: the single endpoint without a reward id, which is a bug of the caller.
        """
        match variant:
            case Variant.SINGLE:
                if reward_id is None:
                    raise ValueError("The single endpoint needs the reward's id for its path")
                return self._post(self._single_url(reward_id), body)
            case Variant.BULK:
                return self._post(self._bulk_url, body)
            case Variant.CONNECTED:
                return self._post(self._connected_url, body, self._connected_headers)

    def customer_id(self, customer: Customer, *, connected: bool) -> httpx.Request:
        """The lookup of a customer's id."""
        query = {
            "source": "INSTORE",
            "identifierName": customer.kind,
            "identifierValue": customer.value,
        }
        return self._get("/v2/customers/lookup", query, connected=connected)

    def issuals(
        self,
        customer_id: int | str,
        reward_id: int | None,
        page: int,
        size: int,
        *,
        status: bool | None,
        connected: bool,
    ) -> httpx.Request:
        """A page of a customer's transactions; `page` counts from 0."""
        wanted = {
            # Connected organisations' page 0 is the whole list, so their pages count from 1.
            "page": page + 1 if connected else page,
            "size": size,
            "rewardId": reward_id,
            "status": None if status is None else str(status).lower(),
        }
        query = {name: str(value) for name, value in wanted.items() if value is not None}
        if connected:
            path = f"{_CORE}/v1.1/reward-transactions"
            return self._get(path, {"customerId": str(customer_id), **query}, connected=True)
        return self._get(
            f"{_CORE}/v1/management/customer/{_part(customer_id)}/issuals", query, connected=False
        )

    def transaction_detail(
        self, customer_id: int | str | None, transaction_id: int | str, *, connected: bool
    ) -> httpx.Request:
        """One transaction, with the vouchers' codes as they were made."""
        transaction = _part(transaction_id)
        if connected or customer_id is None:
            path = f"{_CORE}/{'v1.1' if connected else 'v1'}/reward-transactions/{transaction}"
            return self._get(path, {"couponCodeCase": "AS_IT_IS"}, connected=connected)
        path = f"{_CORE}/v1/management/customer/{_part(customer_id)}/issuals/{transaction}"
        return self._get(path, {"coupon_code_case": "AS_IT_IS"}, connected=False)

    def revoke(self, transaction_id: int | str, reason: str, by: str) -> httpx.Request:
        """The revoke of one whole transaction."""
        text = str(transaction_id)
        body = {
            "txnId": int(text) if text.isdecimal() else text,
            "revokedBy": by,
            "revokeReason": reason,
        }
        query = urlencode({"username": self._account.till})
        return self._post(self._url(f"{_CORE}/v1/user/reward/revoke?{query}"), to_json(body))

    def _post(
        self, url: httpx.URL, body: bytes, headers: httpx.Headers | None = None
    ) -> httpx.Request:
        # With `content` httpx would make the headers anew for each request, a tenth of a call.
        # Given a stream it adds none: Host and Content-Length are the transport's to set.
        stream = httpx.ByteStream(body)
        headers = headers or self._post_headers
        request = httpx.Request(
            "POST", url, headers=headers, stream=stream, extensions=self._extensions
        )
        request.read()
        return request

    def _get(self, path: str, query: dict[str, str], *, connected: bool) -> httpx.Request:
        url = self._url(f"{path}?{urlencode(query)}")
        return httpx.Request(
            "GET", url, headers=self._read_headers[connected], extensions=self._extensions
        )

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(self._account.url(path))

    def _issue_url(self, path: str) -> httpx.URL:
        query = urlencode({"username": self._account.till, "skip_validation": "true"})
        return self._url(f"{_CORE}{path}?{query}")

    def _build_single_url(self, reward_id: int) -> httpx.URL:
        return self._issue_url(f"/v1/user/reward/{reward_id}/issue")


def _scope_headers(account: ApiAccount) -> dict[str, str]:
    headers = {"DATA-SCOPE": account.data_scope, "DATA-SCOPE-ORG": account.data_scope_org}
    return {name: value for name, value in headers.items() if value}


def _part(value: int | str) -> str:
    return quote(str(value), safe="")
