"""The stop-loss: whose fault a refusal is, and when a reward's faults are too many."""
