"""The Celery workers: they release, claim, call and record."""
