"""What is done with an upload, each in a process of its own: reading, checking, accepting."""
