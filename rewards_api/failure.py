"""Failed calls as values: why there is no answer, and whether the request may have been sent."""

import errno
from typing import Literal

import aiohttp
import httpx
from aiohttp.http_exceptions import (
    BadStatusLine,
    HttpProcessingError,
    InvalidHeader,
    LineTooLong,
)

from issuance.replies.reply import NoAnswer
from rewards_api.body import EncodingError, OversizeError
from rewards_api.tokens import TokenUnavailableError

# Only raised while connecting (by aiohttp, then by httpx's own transports): nothing was sent.
_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
)
# Why an answer's head cannot be read, by the parser's exception; the texts of those show the head.
_MALFORMED: tuple[tuple[type[Exception], str], ...] = (
    (LineTooLong, "a line of the head is too long"),
    (InvalidHeader, "a header field is malformed"),
    (BadStatusLine, "the status line is malformed"),
    (HttpProcessingError, "the answer is not valid HTTP"),
)
_TOO_LATE = (TimeoutError, httpx.TimeoutException)
_HUNG_UP = (
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    httpx.NetworkError,
    ConnectionError,
)


def explain(error: Exception) -> NoAnswer:
    """Explain why there is no answer; the detail names the error's type, never its text.

    An exception's text can contain the URL (with the till or a customerId) or parts of headers.
    """
    match error:
        case TokenUnavailableError():
            return NoAnswer("token", str(error), sent=False)
        case OversizeError():
            return NoAnswer("oversize", "the body is larger than the size limit", sent=True)
        case EncodingError():
            return NoAnswer("protocol", str(error), sent=True)
        case _:
            return _explain_transport(error)


def _explain_transport(error: Exception) -> NoAnswer:
    # The transport's translation loses detail: `httpx.ConnectTimeout` also covers a server that
    # hung up after it received the request. So read aiohttp's error.
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    if isinstance(cause, _NEVER_SENT):
        return NoAnswer("connect", _name(cause), sent=False)
    return NoAnswer(_kind(cause), _name(cause), sent=True)


def _kind(cause: Exception) -> Literal["timeout", "reset", "protocol"]:
    if isinstance(cause, _TOO_LATE):
        return "timeout"
    return "reset" if isinstance(cause, _HUNG_UP) else "protocol"


def _name(cause: Exception) -> str:
    name = type(cause).__name__
    if isinstance(cause, aiohttp.ClientResponseError):
        return f"{name}: {_malformation(cause)}"
    if not isinstance(cause, OSError) or isinstance(cause, aiohttp.ClientSSLError):
        return name
    code = errno.errorcode.get(cause.errno or 0)
    return f"{name} {code}" if code else name


def _malformation(error: BaseException) -> str:
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    return next(
        (text for kind, text in _MALFORMED if any(isinstance(cause, kind) for cause in causes)),
        "the answer cannot be read",
    )
