"""`up` and `run`: start processes on this machine."""
