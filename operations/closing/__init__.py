"""Closing a campaign: compared with the API, accounted for, and stated."""
