"""The story of one reward in plain words: what happened, where it is now, what may be done."""
