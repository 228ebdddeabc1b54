"""The names of queues and tasks, and which process consumes which queue."""

from typing import Final

from issuance.job import Lane

RELEASE_QUEUE: Final = "issuance.release"
DEAD_LETTER_QUEUE: Final = "issuance.dead_letters"
REJECTED_QUEUE: Final = "issuance.rejected"
"""On RabbitMQ only: messages that a worker could not use. Operators read it; it has no consumer."""
LANE_QUEUES: Final = {Lane.BLAST: "issuance.blast", Lane.BACKGROUND: "issuance.background"}

ISSUE_TASK: Final = "issuance.issue_chunk"
RELEASE_TASK: Final = "issuance.release"
DEAD_LETTER_TASK: Final = "issuance.dead_letter"

CONSUMERS: Final = {
    "worker": LANE_QUEUES[Lane.BLAST],
    "background-worker": LANE_QUEUES[Lane.BACKGROUND],
    "release": RELEASE_QUEUE,
    "dead-letters": DEAD_LETTER_QUEUE,
}
"""Process (as in the Procfile) → the one queue it consumes."""
