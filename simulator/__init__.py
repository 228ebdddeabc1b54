"""The rewards API, faithful enough to trust a test against it, with faults on demand."""
