"""The peers, each set up as its documentation says, with one HTTP client per worker.

Each module has `enqueue(count)`, and its own command line loads it as a worker. None records what
it issued.
"""
