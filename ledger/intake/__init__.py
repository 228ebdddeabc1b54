"""Accepting jobs into the ledger."""
