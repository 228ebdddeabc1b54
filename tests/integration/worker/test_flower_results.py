"""Flower's Result column counts the jobs of each chunk, and no result backend stores them."""

import os
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from tests.contract.ledger.build import make_job, make_jobs
from tests.integration.worker.system import wait_for
from tests.valkey import free_port

pytestmark = pytest.mark.processes

PARTIAL, REFUSED, TEMPORARY = 1, 2, 3
_FAULTS = {
    PARTIAL: {"kind": "outcome", "code": 8010, "units": 1},
    REFUSED: {"kind": "code", "code": 8003},
    TEMPORARY: {"kind": "429", "retry_after_seconds": 600},
}
_LOGIN = ("operator", "a,b")


@pytest.fixture(scope="module")
def flower(system, tmp_path_factory):
    """The API of a Flower that watches the module's broker."""
    port, output = free_port(), tmp_path_factory.mktemp("flower") / "flower.log"
    settings = {
        "ISSUANCE_FLOWER_PORT": str(port),
        "ISSUANCE_FLOWER_BASIC_AUTH": ":".join(_LOGIN),
    }
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "run", "flower"],
            env=os.environ | system.environment | settings,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: "Connected to" in output.read_text(encoding="utf-8"))
        with httpx.Client(base_url=url, auth=_LOGIN, timeout=20) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _worker(system, pool):
    with system.worker("issuance.blast", "issuance.dead_letters", pool=pool):
        yield


def _tasks(flower, campaign):
    """What Flower knows of a campaign's chunks whose tasks have ended."""
    tasks = flower.get("/api/tasks").raise_for_status().json().values()
    return [
        task
        for task in tasks
        if task["name"] == "issuance.issue_chunk"
        and task["args"].startswith(f"{campaign} · ")
        and task["state"] == "SUCCESS"
    ]


def _task_with(flower, campaign, result):
    found = [task for task in _tasks(flower, campaign) if task["result"].startswith(result)]
    return found[0] if found else None


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_chunks_result_counts_its_jobs(system, desk, flower, pool):
    name = desk.campaign.name
    jobs = [
        make_job(PARTIAL, campaign=name, quantity=2),
        make_job(REFUSED, campaign=name),
        make_job(TEMPORARY, campaign=name),
    ]
    system.simulator.faults(
        customers={
            job.customer.value: [fault] for job, fault in zip(jobs, _FAULTS.values(), strict=True)
        }
    )
    desk.accept(*jobs, *make_jobs(23, first=10, campaign=name))
    with _worker(system, pool):
        system.release()
        # The task may end while calls are open; the final counts come a second after the last.
        task = wait_for(lambda: _task_with(flower, name, "issued 23 · partial 1 · failed 1 · "))
    assert task["result"].endswith(" · retried 1")
    assert task["worker"] == "issuance.blast-issuance.dead_letters@test"
    assert " · 26 jobs · " in task["args"]
    assert not [key for key in system.redis.scan_iter("*") if "celery-task-meta" in str(key)]


def test_the_page_of_the_tasks_has_the_column(flower):
    assert 'data-column="result"' in flower.get("/tasks").raise_for_status().text


def test_the_arguments_of_a_large_chunk_show_ten_request_ids(system, desk, flower):
    jobs = make_jobs(200, campaign=desk.campaign.name)
    desk.accept(*jobs)
    with _worker(system, "solo"):
        system.release()
        (task,) = wait_for(lambda: _tasks(flower, desk.campaign.name))
    assert sum(job.id in str(task) for job in jobs) == 10
    assert len(task["args"]) < 700


def test_flower_shows_the_workers_by_commands_that_read(system, desk, flower):
    with _worker(system, "solo"):
        wait_for(lambda: _workers(flower))
        (shown,) = _workers(flower)
        assert [queue["name"] for queue in shown["active_queues"]] == [
            "issuance.blast",
            "issuance.dead_letters",
        ]
        assert "issuance.issue_chunk" in shown["registered"]
    assert system.events(event="control_command_refused") == []


def _workers(flower):
    """What Flower knows of the workers that have answered each of its questions."""
    found = flower.get("/api/workers", params={"refresh": 1}).raise_for_status().json().values()
    return [worker for worker in found if {"stats", "active_queues", "registered"} <= worker.keys()]
