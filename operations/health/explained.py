"""Findings from errors that explain themselves."""

import re

from operations.health.runner import Finding


def explain(error: Exception) -> Finding:
    """Split the message of one of our own errors into cause and remedy, its last part."""
    told = re.fullmatch(r"(.+)(?:: |\. )(.+)", " ".join(str(error).split()))
    return Finding(told[1], told[2]) if told else Finding(str(error), "see the log")
