"""The health check of the whole system."""
