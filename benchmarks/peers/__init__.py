"""The peers, each set up as its own documentation does, with one HTTP client that lives as long as its worker.

Each module has `enqueue(count)`, and its own command line loads it as a worker. None keeps
a record of what it issued.
"""
