"""Benchmarks: speed compared with peers, promises, acceptance, costs and scale (`make bench`)."""
