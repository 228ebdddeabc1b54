"""Getting an OAuth token from the API: POST /v3/oauth/token/generate (rewards-api §2)."""

import asyncio
import math
from typing import Any

import httpx
from pydantic_core import from_json, to_json

from rewards_api.account import ApiAccount
from rewards_api.body import read_body
from rewards_api.failure import explain
from rewards_api.tokens import Token, TokenUnavailableError

_PATH = "/v3/oauth/token/generate"
_MAX_BODY_BYTES = 64 * 1024
# Assumed lifetime when the answer gives none; short, so that a wrong guess ends soon.
_DEFAULT_TTL_SECONDS = 60.0
_CLIENT_ERRORS = range(400, 500)
_PASSING = frozenset({408, 425, 429})


async def fetch_token(http: httpx.AsyncClient, account: ApiAccount) -> Token:
    """Get a new token within `account.timeout_seconds`.

    Raises:
        TokenUnavailableError: with `refused` after a 4xx or an answer without a token (a wrong key
            or secret, or a missing access group); without it when a retry may help.
    """
    try:
        async with asyncio.timeout(account.timeout_seconds):
            status, body = await _ask(http, account)
    except Exception as error:
        raise TokenUnavailableError(
            f"the token endpoint gave no answer ({explain(error).kind})"
        ) from error
    return _read(status, body)


async def _ask(http: httpx.AsyncClient, account: ApiAccount) -> tuple[int, bytes]:
    body = to_json({"key": account.client_key, "secret": account.client_secret.get_secret_value()})
    request = http.build_request(
        "POST", account.url(_PATH), content=body, headers={"Content-Type": "application/json"}
    )
    response = await http.send(request, auth=None, stream=True)
    try:
        return response.status_code, await read_body(response, _MAX_BODY_BYTES)
    finally:
        await response.aclose()


def _read(status: int, body: bytes) -> Token:
    if status in _CLIENT_ERRORS and status not in _PASSING:
        raise TokenUnavailableError(f"the token endpoint answered HTTP {status}", refused=True)
    if status != httpx.codes.OK:
        raise TokenUnavailableError(f"the token endpoint answered HTTP {status}")
    try:
        answer = from_json(body)
    except ValueError:
        raise TokenUnavailableError("the token endpoint's answer is not JSON") from None
    data = answer.get("data") if isinstance(answer, dict) else None
    data = data if isinstance(data, dict) else {}
    value = data.get("accessToken")
    if not value:
        raise TokenUnavailableError("the token endpoint answered without a token", refused=True)
    if not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise TokenUnavailableError("the token endpoint's token cannot be sent in a header")
    ttl = _read_ttl(data.get("ttlSeconds"))
    return Token(value, ttl, ttl)


def _read_ttl(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _DEFAULT_TTL_SECONDS
    return seconds if math.isfinite(seconds) and seconds > 0 else _DEFAULT_TTL_SECONDS
