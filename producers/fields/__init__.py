"""The fields of a line: from their description follows every way to give them."""
