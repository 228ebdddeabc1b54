"""Queries: balances, counters, outcomes, stalls and heartbeats."""
