"""Scale: whether the ledger's steps and queries stay as fast when millions of jobs are in it."""
