"""The report of a closed campaign: one page for finance, with its numbers as JSON and CSV."""
