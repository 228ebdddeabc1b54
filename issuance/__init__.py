"""The domain, pure: what a job is, what a reply means, what follows from it."""
