"""When campaigns end, and what limits them, from the ledger and the accounts' limits."""
