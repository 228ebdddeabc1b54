"""Lanes: a background request gets the next call slot while a blast uses up the rate."""

import asyncio
from statistics import median

from issuance.job import Lane
from tests.unit.worker.build import claimed

_CHUNKS, _JOBS = 3, 60
_SOON_SECONDS = 0.12


async def test_a_background_job_is_called_soon_while_a_blast_uses_up_the_rate(desk):
    desk.set_up(rate_per_minute=3_000)
    blast = [
        asyncio.create_task(desk.issuing(*_jobs(chunk), chunk_id=f"blast-{chunk}").run())
        for chunk in range(_CHUNKS)
    ]
    await desk.api.wait_for_calls(55)  # the burst is used up
    took = []
    for number in range(9_000, 9_005):
        asked = asyncio.get_running_loop().time()
        await desk.issuing(
            claimed(number), chunk_id=f"background-{number}", lane=Lane.BACKGROUND
        ).run()
        took.append(asyncio.get_running_loop().time() - asked)
    assert max(took) < 0.5
    assert median(took) < _SOON_SECONDS  # behind the blast's reservations it would be 0.24
    desk.stopping = True
    await asyncio.gather(*blast)
    assert len(desk.results) == _CHUNKS * _JOBS + 5


def _jobs(chunk):
    return [claimed(chunk * 1_000 + number) for number in range(1, _JOBS + 1)]
