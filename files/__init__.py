"""Files and folders of this program, which only their owner may enter."""
