"""Closing a campaign: comparisons with the API's transactions, findings and statements."""
