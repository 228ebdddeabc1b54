"""Issuances per second beside peers, acceptance and the ledger's costs, reproducible with `make bench`."""
