"""The promises beside speed: limits, fairness, priority, halts, latency, memory; each measured against its goal."""
