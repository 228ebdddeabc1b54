"""Promises other than speed: limits, fairness, priority, pauses, latency, memory."""
