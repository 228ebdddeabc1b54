"""Closing: comparing lines with the API's transactions, samples, and canonical statements."""
