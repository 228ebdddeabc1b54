import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from simulator.__main__ import main
from simulator.serve import Simulator, listen

BULK = "/api_gateway/rewards/core/v1/user/rewards/issue?username=demo.till&skip_validation=true"
BODY = {
    "brand": "DEMO",
    "transactionNumber": "t-1",
    "rewards": [{"rewardId": 1001, "requestId": "k"}],
}
HEADERS = {"Authorization": "Basic ZGVtby50aWxsOmZlMDFjZTJhN2ZiYWM4ZmFmYWVkN2M5ODJhMDRlMjI5"}


@contextmanager
def process(*arguments, **environment):
    command = [sys.executable, "-m", "simulator", *map(str, arguments)]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    try:
        line = child.stdout.readline()
        yield child, line
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.mark.processes
def test_the_command_prints_its_url_and_keeps_its_truth_when_killed(tmp_path):
    ready, truth = tmp_path / "ready", tmp_path / "truth.jsonl"
    arguments = ["--port", 0, "--ready-file", ready, "--truth-file", truth, "--no-magic-customers"]
    with process(*arguments, SIMULATOR_HTTP_MODE="openapi_400") as (child, line):
        url = ready.read_text().strip()
        assert line == f"simulator ready on {url}\n"
        reply = httpx.post(url + BULK, json=BODY | {"mobile": "919800009102"}, headers=HEADERS)
        assert reply.json()["status"]["code"] == 200
        assert (
            httpx.post(url + BULK, json=BODY | {"brand": "UNKNOWN"}, headers=HEADERS).status_code
            == 400
        )
        child.send_signal(signal.SIGKILL)
        child.wait()
    events = [json.loads(text) for text in truth.read_text().splitlines()]
    assert [event["requestId"] for event in events if event["event"] == "issued"] == ["k"]
    with process(*arguments) as (_, line):
        again = httpx.post(
            line.split()[-1] + BULK, json=BODY | {"mobile": "919800009102"}, headers=HEADERS
        )
        assert again.json() == reply.json()


@pytest.mark.processes
def test_sigterm_stops_it_within_two_seconds_despite_a_delayed_reply(tmp_path):
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps({"next": [{"fault": "timeout_after_commit"}]}))
    with (
        process("--faults-file", faults, "--hold-seconds", 60) as (child, line),
        ThreadPoolExecutor(1) as pool,
    ):
        url = line.split()[-1]
        held = pool.submit(
            httpx.post, url + BULK, json=BODY | {"mobile": "1"}, headers=HEADERS, timeout=30
        )
        while httpx.get(url + "/_truth/summary").json()["calls"] == 0:
            time.sleep(0.02)
        started = time.monotonic()
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=5)
        assert time.monotonic() - started < 2
        assert isinstance(held.exception(), httpx.RemoteProtocolError)


def test_the_error_names_an_invalid_option(capsys):
    with pytest.raises(SystemExit):
        main(["--colour", "red"])
    assert "--colour" in capsys.readouterr().err


def test_a_simulator_can_restart_on_the_same_port():
    with Simulator() as first:
        port = int(first.url.rpartition(":")[2])
        assert httpx.get(first.url + "/_health").status_code == 200
    with Simulator(port=port) as second:
        assert second.url == first.url
        assert httpx.get(second.url + "/_health").status_code == 200


def test_a_simulator_that_is_not_running_raises_an_error():
    simulator = Simulator()
    with pytest.raises(RuntimeError, match="use it as a context manager"):
        simulator.summary()
    with simulator:
        assert simulator.summary()["calls"] == 0


def test_a_taken_port_is_an_error():
    with listen() as taken, pytest.raises(OSError, match="in use"):
        listen(taken.getsockname()[1])
