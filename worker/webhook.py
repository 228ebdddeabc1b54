"""Calls the webhook of the settings: signed, and within a total time."""

import asyncio
import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import httpx

from config.settings import Settings
from config.tls import USUAL_TLS, TlsFiles
from rewards_api.tls import make_context

_TRIES = 2
_AGAIN_AFTER_SECONDS = 0.5
_TOO_MANY = 429
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where notices are posted, by the rules of Standard Webhooks.

    Attributes:
        url: often a secret itself; no error shows it.
        tls: whom to trust, and our certificate if the server asks for one.
        keys: sign each call; none: no signature. A receiver accepts any one of the signatures.
        seconds: longest time for a delivery with its retry, from the first name look-up on.
    """

    url: str = field(repr=False)
    tls: TlsFiles = USUAL_TLS
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    seconds: float = 5.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Make the webhook of the settings."""
        return cls(
            settings.dead_letter_webhook_url,
            settings.tls_of("dead_letter_webhook"),
            settings.dead_letter_webhook_keys,
            settings.dead_letter_webhook_timeout_seconds,
        )

    async def deliver(self, message_id: str, body: bytes) -> str:
        """Post a message; try once more after a broken connection, 429 or 5xx.

        Args:
            message_id: the same for each try, so that a receiver can drop doubles.
            body: JSON.

        Returns:
            "", or why the message was not accepted. It may have arrived nevertheless.
        """
        try:
            async with asyncio.timeout(self.seconds):
                return await self._try_again(message_id, body)
        except TimeoutError:
            return f"no answer within {self.seconds:g} s"

    async def _try_again(self, message_id: str, body: bytes) -> str:
        error = ""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(_AGAIN_AFTER_SECONDS)
            error, may_pass = await self._post(message_id, body)
            if not may_pass:
                break
        return error

    async def _post(self, message_id: str, body: bytes) -> tuple[str, bool]:
        """Return the error, and whether another try may succeed."""
        try:
            context = make_context(self.tls)
            # The limit is on the whole delivery: one for each operation is none for a server that
            # sends a byte now and then.
            client = httpx.AsyncClient(verify=context, timeout=None)  # noqa: S113
            async with (
                client,
                # The answer's body is not read: it may be huge, or never end.
                client.stream(
                    "POST", self.url, content=body, headers=self._headers(message_id, body)
                ) as response,
            ):
                status = response.status_code
        except httpx.TransportError as error:
            return type(error).__name__, True
        except Exception as error:  # noqa: BLE001  # a wrong URL or file fails in many ways
            return type(error).__name__, False
        if httpx.codes.is_success(status):
            return "", False
        return f"HTTP {status}", status == _TOO_MANY or status >= _SERVER_ERRORS

    def _headers(self, message_id: str, body: bytes) -> Mapping[str, str]:
        timestamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
        }
        if self.keys:
            signed = b".".join((message_id.encode(), timestamp.encode(), body))
            headers["webhook-signature"] = " ".join(_sign(key, signed) for key in self.keys)
        return headers


def _sign(key: bytes, signed: bytes) -> str:
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
