"""The metrics of the whole system, read from the ledger and Redis at each scrape."""
