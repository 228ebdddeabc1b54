"""Accepts work: a campaign's file (`producers.blast`), and calls of `producers.enqueue`."""

from producers.background import Enqueued, KeyReusedError, RequestRefusedError
from producers.fields.line import OrgDetails, Reward, Tender
from producers.producer import Producer, enqueue

__all__ = [
    "Enqueued",
    "KeyReusedError",
    "OrgDetails",
    "Producer",
    "RequestRefusedError",
    "Reward",
    "Tender",
    "enqueue",
]
