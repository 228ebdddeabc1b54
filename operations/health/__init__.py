"""The checkup of the whole system."""
