"""Authentication: the till's Basic header, or a shared OAuth token (rewards-api §2)."""

from base64 import b64encode
from collections.abc import AsyncGenerator
from hashlib import md5

import httpx
from pydantic import SecretStr

from rewards_api.tokens import Tokens, TokenUnavailableError

TOKEN_HEADER = "X-CAP-API-OAUTH-TOKEN"  # noqa: S105  # a header's name


def till_header(till: str, password: SecretStr) -> str:
    """The `Authorization` header: the till and the lower-case hex MD5 of its password."""
    # The API requires MD5. It protects nothing; TLS protects the password.
    digest = md5(password.get_secret_value().encode(), usedforsecurity=False).hexdigest()
    return "Basic " + b64encode(f"{till}:{digest}".encode()).decode("ascii")


class TokenAuth(httpx.Auth):
    """Adds the OAuth token's header; after a 401 it resends once with another token.

    The API answers 401 before any processing, so the resend is safe. A second 401 is the answer.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header; resend once after a 401.

        Raises:
            TokenUnavailableError: there is no token, and nothing was sent.
        """
        token = await self._tokens.current()
        request.headers[TOKEN_HEADER] = token
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        try:
            request.headers[TOKEN_HEADER] = await self._tokens.replace(token)
        except TokenUnavailableError:
            # Return the 401: unlike a missing token it says that the API was reached.
            return
        await _drop_body(response)
        yield request


async def _drop_body(response: httpx.Response) -> None:
    """Drop the 401's body: httpx would read all of it before the resend, whatever its size."""
    stream = response.stream
    if isinstance(stream, httpx.AsyncByteStream):
        await stream.aclose()
    response.headers.pop("content-encoding", None)
    response.stream = httpx.ByteStream(b"")
