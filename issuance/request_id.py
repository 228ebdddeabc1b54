"""Derived requestIds: a second run of the same file gives the same ones (design rule 3)."""

from enum import IntEnum
from hashlib import blake2b, sha1
from uuid import UUID, uuid4

from issuance.customer import Customer

_CAMPAIGN_SPACE = UUID("6f2f0b1e-5a3d-5c0e-9d5e-0f6a3a1c7b01").bytes
_KEY_SPACE = UUID("6f2f0b1e-5a3d-5c0e-9d5e-0f6a3a1c7b02").bytes
# Escaped inside parts, so that two different tuples never give the same name.
_SEPARATOR = "\x1f"
_ESCAPE = "\x1e"
_ESCAPES = str.maketrans({_SEPARATOR: "\x1e1", _ESCAPE: "\x1e0"})
_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The first digit of the fourth group; its two upper bits mark a UUID of RFC 9562."""
_UUID_BYTES = 16


class IdScheme(IntEnum):
    """How a campaign's requestIds are derived. A campaign keeps its scheme."""

    UNKEYED = 1
    """SHA-1 without a key: a person who knows campaign and reward can try all customers."""
    KEYED = 2
    """BLAKE2b with a key of the deployment's secret."""


class CampaignIds:
    """Derives the requestIds of one campaign's lines.

    Args:
        campaign: the campaign's name.
        key: the key of its scheme, 32 bytes; None: `IdScheme.UNKEYED`.
    """

    def __init__(self, campaign: str, key: bytes | None = None) -> None:
        self._campaign = campaign
        # A copy costs less than a new one, and so less than the unkeyed digest.
        self._keyed = None if key is None else blake2b(key=key, digest_size=_UUID_BYTES)

    def derive(
        self, customer: Customer, reward: int | str, *, occurrence: int = 1, generation: int = 1
    ) -> str:
        """Derive the requestId of a line.

        Args:
            customer: the line's customer; the case of an e-mail address is ignored.
            reward: the reward's id, or its external id, a text.
            occurrence: 1 for the customer's first line with this reward in the campaign, 2 for the
                second, …
            generation: 1, plus one for each approved reissue after a definite refusal.

        Returns:
            A UUID as text: of version 5 without a key, else of version 8.
        """
        # An external id may look like an id, and names another reward.
        named = reward if isinstance(reward, int) else f"external:{reward}"
        name = _join(self._campaign, customer.canonical, named, occurrence, generation)
        if self._keyed is None:
            return _uuid5(_CAMPAIGN_SPACE, name)
        keyed = self._keyed.copy()
        keyed.update(name.encode())
        return _uuid_text(keyed.hexdigest(), "8")


def keyed_request_id(key: str, *, position: int = 0, generation: int = 1) -> str:
    """Derive the requestId of a background line from the caller's idempotency key.

    Args:
        key: the caller's key. The payload does not count, so that a changed payload under a known
            key is noticed and refused.
        position: 0-based position of the line in its job.
        generation: see `CampaignIds.derive`.
    """
    return _uuid5(_KEY_SPACE, _join(key, position, generation))


def fresh_request_id() -> str:
    """Make a random requestId (UUIDv4) for a background line whose caller gave no key."""
    return str(uuid4())


def _join(*parts: str | int) -> str:
    texts = [str(part) for part in parts]
    name = _SEPARATOR.join(texts)
    if _ESCAPE in name or name.count(_SEPARATOR) >= len(texts):
        name = _SEPARATOR.join(text.translate(_ESCAPES) for text in texts)
    return name


def _uuid5(space: bytes, name: str) -> str:
    """`str(uuid.uuid5(…))` in a third of the time: a blast derives one for each row."""
    return _uuid_text(sha1(space + name.encode(), usedforsecurity=False).hexdigest(), "5")


def _uuid_text(digest: str, version: str) -> str:
    """Write a UUID's digits, except version and variant, which replace those of the digest."""
    return (
        f"{digest[:8]}-{digest[8:12]}-{version}{digest[13:16]}-"
        f"{_VARIANTS[digest[16]]}{digest[17:20]}-{digest[20:32]}"
    )
