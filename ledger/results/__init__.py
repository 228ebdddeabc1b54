"""Recording the results of calls."""
