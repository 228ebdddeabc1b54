"""Finds lines by what an operator has of them, and reads all that the ledger knows of one."""
