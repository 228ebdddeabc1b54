"""Issuances per second beside peers, promises, acceptance, costs and scale, reproducible with `make bench`."""
