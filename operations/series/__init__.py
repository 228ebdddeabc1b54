"""A campaign over time: calls, durations, answers, and what happened."""
