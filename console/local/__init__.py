"""What starts processes on this machine: `up`, `run` and what they need."""
