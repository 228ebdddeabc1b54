"""The keys that sign calls to a webhook, as Standard Webhooks writes them."""

import binascii
from base64 import b64decode

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


def read_webhook_keys(text: str) -> tuple[bytes, ...]:
    """Read keys of 24 to 64 bytes, each as base64 after `whsec_`, with blanks between them.

    Raises:
        ValueError: one cannot be read; the message shows none.
    """
    return tuple(_read(secret) for secret in text.split())


def _read(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not (secret.startswith(_PREFIX) and _SHORTEST <= len(key) <= _LONGEST):
        raise ValueError(
            'must be whsec_ and base64 of 24 to 64 bytes; make one with: echo "whsec_$(openssl '
            'rand -base64 32)"'
        )
    return key
