"""The fields of a line; files, Python calls and commands all follow from their description."""
