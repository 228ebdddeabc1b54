"""The handling of one chunk, from its message to its recorded results."""
