"""Flower's page on real HTTP: closed without the password, and only on the host that is set."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import await_that
from tests.valkey import free_port, valkey_server

_SECONDS = 60
_LOGIN = ("operator", "a,b:ü€ 😀")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("broker")) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


class Running:
    """`issuance run flower`, with what it writes."""

    def __init__(self, broker: str, folder: Path, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.output = folder / "flower.log"
        settings = {"ISSUANCE_BROKER_URL": broker, "ISSUANCE_FLOWER_PORT": str(self.port)}
        with self.output.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "console", "run", "flower"],
                env=os.environ | settings | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def await_start(self) -> None:
        def started() -> bool:
            assert self.process.poll() is None, self.text()
            return "flower_started" in self.text()

        await_that("Flower listens", started, _SECONDS)

    def get(self, path: str, *, host: str = "127.0.0.1", **options) -> httpx.Response:
        return httpx.get(f"http://{host}:{self.port}{path}", timeout=20, **options)

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture
def flower(broker, tmp_path):
    started = []

    def start(**environment):
        started.append(Running(broker, tmp_path, environment))
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest.fixture(scope="module")
def closed(broker, tmp_path_factory):
    """One Flower with a difficult password, for many tests."""
    folder = tmp_path_factory.mktemp("closed")
    login = {"ISSUANCE_HOME": str(folder), "ISSUANCE_FLOWER_BASIC_AUTH": ":".join(_LOGIN)}
    running = Running(broker, folder, login)
    running.await_start()
    yield running
    running.end()


def _header(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {text}"}


def _encoded(login: str, encoding: str = "utf-8") -> dict[str, str]:
    return _header(b64encode(login.encode(encoding)).decode())


@pytest.mark.parametrize(
    "path", ["/", "/tasks", "/api/tasks", "/api/workers", "/metrics", "/broker", "/static/x", "/no"]
)
def test_no_page_answers_without_the_password(closed, path):
    answer = closed.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Flower", charset="UTF-8"'


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_no_method_gets_past_the_password(closed, method):
    url = f"http://127.0.0.1:{closed.port}/api/worker/shutdown/x"
    assert httpx.request(method, url, timeout=20).status_code == 401


@pytest.mark.parametrize("path", ["/", "/tasks", "/api/tasks", "/metrics"])
def test_pages_answer_with_a_password_of_commas_colons_and_other_alphabets(closed, path):
    assert closed.get(path, headers=_encoded(":".join(_LOGIN))).status_code == 200


@pytest.mark.parametrize(
    "login",
    [
        "operator:a",  # up to the comma
        "operator:a,b",
        "b:ü€ 😀",  # from the comma on
        "operator:",
        "operator",
        "operator:ä",
        "other:a,b:ü€ 😀",
    ],
)
def test_another_or_a_shorter_password_is_refused(closed, login):
    assert closed.get("/api/tasks", headers=_encoded(login)).status_code == 401


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic a b", "Bearer x", "Basic gICA", "é"])
def test_a_header_that_is_no_login_is_refused_without_an_error(closed, header):
    raw = header.encode("latin-1")
    assert closed.get("/api/tasks", headers={b"Authorization": raw}).status_code == 401


@pytest.mark.parametrize("login", [None, ":".join(_LOGIN)])
def test_no_other_web_page_may_read_an_answer(closed, login):
    headers = {"Origin": "http://elsewhere.test"} | (_encoded(login) if login else {})
    answer = closed.get("/api/tasks", headers=headers)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_page_only_reads(closed):
    answer = httpx.post(
        f"http://127.0.0.1:{closed.port}/api/worker/shutdown/worker@host",
        headers=_encoded(":".join(_LOGIN)),
        timeout=20,
    )
    assert answer.status_code == 403


def test_the_health_check_of_a_container_needs_no_password(closed):
    answer = closed.get("/healthcheck")
    assert (answer.status_code, answer.text) == (200, "OK")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; all of 127.0.0.0/8 is loopback")
def test_a_password_is_on_no_command_line_and_no_other_address_answers(closed):
    command = Path(f"/proc/{closed.process.pid}/cmdline").read_bytes().decode()
    assert command.rstrip("\0").endswith("run\0flower")
    with pytest.raises(httpx.ConnectError):
        closed.get("/healthcheck", host="127.0.0.2")
    assert "a,b" not in closed.text()


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is loopback there")
def test_it_listens_on_the_host_that_is_set_and_nowhere_else(flower):
    running = flower(ISSUANCE_FLOWER_HOST="127.0.0.2", ISSUANCE_FLOWER_BASIC_AUTH="a:b")
    running.await_start()
    assert running.get("/healthcheck", host="127.0.0.2").status_code == 200
    with pytest.raises(httpx.ConnectError):
        running.get("/healthcheck")


def test_without_a_setting_a_random_password_is_made_printed_and_needed(flower):
    # What a user may have set for Flower itself opens nothing.
    running = flower(FLOWER_UNAUTHENTICATED_API="true", FLOWER_BASIC_AUTH="a:b")
    running.await_start()
    printed = r"(?m)^Flower +user operator, password (\S{24})$"
    (password,) = re.findall(printed, running.text())
    assert running.get("/api/tasks").status_code == 401
    assert running.get("/api/tasks", auth=("a", "b")).status_code == 401
    assert running.get("/api/tasks", auth=("operator", password)).status_code == 200
    (entry,) = [line for line in running.text().splitlines() if "flower_started" in line]
    assert json.loads(entry)["host"] == "127.0.0.1"
    assert running.end() == 0
    assert "Traceback" not in running.text()


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("BASIC_AUTH", "hunter2", "must be user:password"),
        ("BASIC_AUTH", "operator:", "must be user:password"),
        ("BASIC_AUTH", ":hunter2", "must be user:password"),
        ("BASIC_AUTH", "operator:hunter2\x07", "control character"),
        ("HOST", "", "at least 1 character"),
        ("HOST", "192.0.2.1", "set an address of this machine"),
        ("HOST", "no such host", "set an address of this machine"),
    ],
)
def test_a_value_that_cannot_work_is_refused_at_the_start(flower, setting, value, remedy):
    running = flower(**{f"ISSUANCE_FLOWER_{setting}": value})
    assert running.process.wait(_SECONDS) == 2
    (line,) = running.text().splitlines()
    assert line.startswith(f"Error: ISSUANCE_FLOWER_{setting}: ")
    assert remedy in line
    assert "hunter2" not in line


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is loopback there")
def test_a_taken_port_of_another_host_is_no_obstacle(flower):
    with socket.create_server(("127.0.0.2", 0)) as other:
        running = flower(ISSUANCE_FLOWER_PORT=str(other.getsockname()[1]))
        running.await_start()
