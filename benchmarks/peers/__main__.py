"""Enqueue for a peer: `python -m benchmarks.peers MODULE COUNT`."""

import sys
from importlib import import_module

import_module(f"benchmarks.peers.{sys.argv[1]}").enqueue(int(sys.argv[2]))
