"""Scale: whether the ledger's steps and queries stay fast with millions of jobs."""
