"""The deployment files start every process, and every queue has a consumer."""

import re
from pathlib import Path

import pytest

from broker.queues import CONSUMERS, DEAD_LETTER_QUEUE, LANE_QUEUES, RELEASE_QUEUE
from console.local.run import ProcessName

pytestmark = pytest.mark.smoke

_ROOT = Path(__file__).parents[2]
_PROCFILE_LINE = re.compile(r"[a-z-]+: issuance run ([a-z-]+)")
_COMPOSE_COMMAND = re.compile(r"^    command: run ([a-z-]+)$", re.MULTILINE)


def _of_procfile() -> list[str]:
    lines = [
        line
        for line in (_ROOT / "Procfile").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    matches = [_PROCFILE_LINE.fullmatch(line) for line in lines]
    assert None not in matches, f"not `name: issuance run NAME`: {lines}"
    return [match[1] for match in matches if match is not None]


def _of_compose() -> list[str]:
    # Read as text: the project has no YAML library.
    return _COMPOSE_COMMAND.findall((_ROOT / "docker-compose.yml").read_text())


def test_the_procfile_and_compose_each_start_every_process_once():
    every = sorted(ProcessName)
    assert sorted(_of_procfile()) == every
    assert sorted(_of_compose()) == every


def test_every_queue_is_consumed_by_exactly_one_process_that_is_started():
    queues = [RELEASE_QUEUE, DEAD_LETTER_QUEUE, *LANE_QUEUES.values()]
    consumed = [CONSUMERS[name] for name in _of_procfile() if name in CONSUMERS]
    assert sorted(consumed) == sorted(queues)
