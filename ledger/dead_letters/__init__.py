"""Dead letters: written, browsed, and sent again."""
