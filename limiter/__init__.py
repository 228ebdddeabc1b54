"""The API account's limits, customer locks and paused campaigns, shared by all workers in Redis.

All of it may be lost: with an empty Redis the rate is the setting's, the account is available, and
the ledger still has every job. Times are the Redis server's, so workers' clocks may differ.
"""
