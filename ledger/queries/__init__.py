"""What is asked of the ledger: balances, outcomes, stalls, heartbeats."""
