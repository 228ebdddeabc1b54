"""Whose account a request uses: the one it names, or else its campaign's."""

from config.account_registry import AccountRegistry
from config.accounts import Account
from issuance.account import DEFAULT_ACCOUNT
from ledger.campaigns import campaign_account
from ledger.store.database import Ledger
from producers.background import DEFAULT_CAMPAIGN


def default_campaign(account: str | None) -> str:
    """Return the campaign of background requests that name none: each account has its own."""
    if account in (None, DEFAULT_ACCOUNT):
        return DEFAULT_CAMPAIGN
    return f"{DEFAULT_CAMPAIGN}-{account}"


def choose_account(
    ledger: Ledger, accounts: AccountRegistry, campaign: str, given: str | None
) -> Account:
    """Return the given account, or else the campaign's, or else `default`.

    Raises:
        AccountError: there is no such account.
    """
    return accounts.get(given or campaign_account(ledger, campaign) or DEFAULT_ACCOUNT)
