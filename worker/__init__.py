"""The Celery workers: release, claim, call, record."""
