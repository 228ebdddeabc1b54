"""Dead letters: written, browsed, redriven and published."""
