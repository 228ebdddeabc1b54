"""The API account's limits, the customers' locks and the paused campaigns, shared by all workers through Redis.

All of it may be lost: with an empty Redis the rate is the setting's, the account is available, and
the ledger still knows every job. Times are the Redis server's, so the workers' clocks may differ.
"""
