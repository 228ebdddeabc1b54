"""Forecast when a campaign ends, and say what limits it. Pure."""
