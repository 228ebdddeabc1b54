"""A simulator of the rewards API, with faults on demand; it is independent of the product."""
