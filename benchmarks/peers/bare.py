"""The yardstick: a bare asyncio script with httpx on aiohttp's connections; no queue, no record."""

import asyncio
import sys

from benchmarks.load import Task, bodies
from benchmarks.peers.calls import open_async, post


async def issue_all(task: Task, count: int) -> None:
    """Issue everything, with a fixed number of concurrent calls."""
    waiting = iter(list(bodies(task.variant, count)))

    async with open_async(task) as client:

        async def work() -> None:
            for body in waiting:
                await post(client, task, body)

        await asyncio.gather(*(work() for _ in range(task.in_flight)))


if __name__ == "__main__":
    asyncio.run(issue_all(Task.read(), int(sys.argv[1])))
