"""The broker: queues, the Celery application, publishing and consuming."""
