"""Accepts work: a campaign's file (`producers.blast`), and calls of `producers.enqueue`."""

from producers.background import Enqueued, KeyReusedError, RequestRefusedError
from producers.fields.line import Reward
from producers.producer import Producer, enqueue

__all__ = ["Enqueued", "KeyReusedError", "Producer", "RequestRefusedError", "Reward", "enqueue"]
