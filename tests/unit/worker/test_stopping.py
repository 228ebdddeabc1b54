"""The stop of a worker, as its children see it."""

import os

import pytest
from celery.signals import worker_shutting_down

from worker import stopping
from worker.stopping import is_stopping


@pytest.fixture
def _running():
    yield
    stopping._flag[0] = 0


@pytest.mark.usefixtures("_running")
def test_a_child_forked_before_the_stop_sees_it():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reader, 1)
        os._exit(int(is_stopping()))
    before = is_stopping()
    worker_shutting_down.send(sender="worker", sig="SIGTERM", how="Warm", exitcode=0)
    os.write(writer, b"!")
    _, status = os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert not before
    assert os.waitstatus_to_exitcode(status) == 1
