"""Compares forecasts of a campaign's end with simulated runs that have faults."""
