"""Pruning, tombstones, backup and restore."""
