"""Building requests: paths, queries and headers for one account (rewards-api §1, §2)."""

from functools import lru_cache, partial
from urllib.parse import quote, urlencode

import httpx
from pydantic_core import to_json

from issuance.customer import Customer
from issuance.data_scope import scope_headers
from issuance.endpoint import Reads, Variant
from rewards_api.account import ApiAccount
from rewards_api.auth import till_header

_CORE = "/api_gateway/rewards/core"
# Identity: answers are small, so compressing them would cost more than it saves.
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "reward-issuance",
}
LARGEST_PAGE = 50
"""The largest page size that both kinds of list accept (rewards-api §8)."""
# Cached URLs of the single endpoint, one for each reward; a campaign has a handful.
_READY_URLS = 512
# Cached headers, one for each scope: a campaign over 20 organisations has as many scopes.
_READY_SCOPES = 512


class Requests:
    """Builds the requests of one account.

    Their common parts are built once, which is measurable at 2,000 calls a second.

    Args:
        account: the API's address and our credentials.
        timeout: of every request.
    """

    def __init__(self, account: ApiAccount, timeout: httpx.Timeout) -> None:
        self._account = account
        self._extensions = {"timeout": timeout.as_dict()}
        headers = httpx.Headers(HEADERS)
        if account.auth == "basic":
            headers["Authorization"] = till_header(account.till, account.password)
        self._post_headers = httpx.Headers({**headers, "Content-Type": "application/json"})
        self._get_headers = headers
        self._scoped_post_headers = lru_cache(_READY_SCOPES)(partial(self._scoped, post=True))
        self._scoped_get_headers = lru_cache(_READY_SCOPES)(partial(self._scoped, post=False))
        self._issue_url = lru_cache(_READY_URLS)(self._build_issue_url)

    def issue(
        self,
        variant: Variant,
        body: bytes,
        reward_id: int | None,
        scope: str | None,
        traceparent: str | None = None,
    ) -> httpx.Request:
        """An issue call with exactly these bytes; `scope` None is the account's.

        Raises:
            ValueError: the path needs a reward id and the caller gave none.
        """
        endpoint = variant.endpoint
        url = self._issue_url(endpoint.path, reward_id if endpoint.reward_in_path else None)
        headers = self._scoped_post_headers(scope) if endpoint.scoped else self._post_headers
        if traceparent is not None:
            headers = httpx.Headers({**headers, "traceparent": traceparent})
        return self._post(url, body, headers)

    def customer_id(self, customer: Customer, *, reads: Reads, scope: str | None) -> httpx.Request:
        """The lookup of a customer's id."""
        query = {
            "source": "INSTORE",
            "identifierName": customer.kind,
            "identifierValue": customer.value,
        }
        return self._get("/v2/customers/lookup", query, reads, scope)

    def issuals(
        self,
        customer_id: int | str,
        reward_id: int | None,
        page: int,
        size: int,
        *,
        status: bool | None,
        reads: Reads,
        scope: str | None,
    ) -> httpx.Request:
        """A page of a customer's transactions; `page` counts from 0."""
        in_path = "{customer}" in reads.list
        wanted = {
            "customerId": None if in_path else customer_id,
            "page": page + reads.first_page,
            "size": size,
            "rewardId": reward_id,
            "status": None if status is None else str(status).lower(),
        }
        query = {name: str(value) for name, value in wanted.items() if value is not None}
        path = reads.list.format(customer=_part(customer_id))
        return self._get(f"{_CORE}{path}", query, reads, scope)

    def transaction_detail(
        self,
        customer_id: int | str | None,
        transaction_id: int | str,
        *,
        reads: Reads,
        scope: str | None,
    ) -> httpx.Request:
        """One transaction, with its voucher codes in their original case."""
        read = reads.detail_by_id if customer_id is None else reads.detail
        path = read.path.format(
            customer=_part(customer_id or ""), transaction=_part(transaction_id)
        )
        return self._get(f"{_CORE}{path}", {read.coupon_case: "AS_IT_IS"}, reads, scope)

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
        # With `content` httpx would rebuild the headers for each request, 10 % of a call's cost.
        # With a stream it adds none, and the transport sets Host and Content-Length.
        stream = httpx.ByteStream(body)
        headers = headers or self._post_headers
        request = httpx.Request(
            "POST", url, headers=headers, stream=stream, extensions=self._extensions
        )
        request.read()
        return request

    def _get(
        self, path: str, query: dict[str, str], reads: Reads, scope: str | None
    ) -> httpx.Request:
        url = self._url(f"{path}?{urlencode(query)}")
        headers = self._scoped_get_headers(scope) if reads.scoped else self._get_headers
        return httpx.Request("GET", url, headers=headers, extensions=self._extensions)

    def _scoped(self, scope: str | None, *, post: bool) -> httpx.Headers:
        headers = self._post_headers if post else self._get_headers
        added = _scope_headers(self._account) if scope is None else scope_headers(scope)
        return httpx.Headers({**headers, **added})

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(self._account.url(path))

    def _build_issue_url(self, path: str, reward_id: int | None) -> httpx.URL:
        if reward_id is None and "{reward_id}" in path:
            raise ValueError(f"{path} needs the reward's id")
        query = urlencode({"username": self._account.till, "skip_validation": "true"})
        return self._url(f"{_CORE}{path.format(reward_id=reward_id)}?{query}")


def _scope_headers(account: ApiAccount) -> dict[str, str]:
    headers = {"DATA-SCOPE": account.data_scope, "DATA-SCOPE-ORG": account.data_scope_org}
    return {name: value for name, value in headers.items() if value}


def _part(value: int | str) -> str:
    return quote(str(value), safe="")
