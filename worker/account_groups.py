"""The accounts of a release's round: entries that name the same API account share one window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.accounts import Account
from ledger.dispatch.release import Chunk
from limiter.state import LimitState


@dataclass
class AccountGroup:
    """One API account in one round."""

    key: str
    names: tuple[str, ...]
    account: Account
    """One of its entries; they differ in nothing that concerns the limits."""
    limits: LimitState = LimitState(rate_per_minute=0, rate_overridden=False)  # noqa: RUF009  # frozen
    shared_chunk_size: float = 0.0


def group_accounts(accounts: Mapping[str, Account]) -> list[AccountGroup]:
    """Group the entries by API account, in the order of the entries."""
    groups: dict[tuple[str, str, str], list[Account]] = {}
    for account in accounts.values():
        groups.setdefault(account.api_account, []).append(account)
    return [
        AccountGroup("|".join(key), tuple(each.name for each in entries), entries[0])
        for key, entries in groups.items()
    ]


def spread(released: Sequence[Sequence[Chunk]]) -> list[Chunk]:
    """Merge the chunks of several accounts, each account's spread evenly over the whole."""
    if len(released) == 1:
        return list(released[0])
    places = [
        ((place + 0.5) / len(chunks), number, chunk)
        for number, chunks in enumerate(released)
        for place, chunk in enumerate(chunks)
    ]
    return [chunk for *_, chunk in sorted(places, key=lambda each: each[:2])]
