"""The rewards API: its account, its authentication, its client and what its reads show."""
