"""A hostile stub of the rewards API: it fails on purpose and records every call.

It shares no code with the product or the simulator. `python -m tests.hostile` runs it alone.
"""
