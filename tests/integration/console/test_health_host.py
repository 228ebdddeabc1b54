"""ISSUANCE_HEALTH_HOST: any address of this machine works, and another one is refused clearly."""

import http.client
import socket
import subprocess
import sys
import threading

import pytest

from console.local.addresses import page_url
from console.local.health_server import ProbeServer, Reports
from operations.health.runner import Report


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    "command", [["run", "health"], ["up", "--simulator", "--no-flower", "--no-web"]]
)
@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_of_another_machine_is_refused_at_the_start(
    command, host, monkeypatch, tmp_path
):
    monkeypatch.setenv("ISSUANCE_HEALTH_HOST", host)
    monkeypatch.setenv("ISSUANCE_HOME", str(tmp_path / "home"))
    ended = subprocess.run(
        [sys.executable, "-m", "console", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"Error: ISSUANCE_HEALTH_HOST: {host} cannot be listened on")
    assert line.endswith("set an address of this machine, such as 127.0.0.1")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        pytest.param("::1", marks=pytest.mark.skipif(not _has_ipv6(), reason="has no IPv6")),
    ],
)
def test_the_health_page_answers_on_each_kind_of_address(host):
    with ProbeServer((host, 0), Reports(lambda _: Report({}))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = page_url(host, server.server_port).removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=5)
        try:
            connection.request("GET", "/livez")
            with connection.getresponse() as answer:
                assert answer.status == 200
        finally:
            connection.close()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:5556"),
        ("0.0.0.0", "http://127.0.0.1:5556"),
        ("::", "http://[::1]:5556"),
        ("fd00::7", "http://[fd00::7]:5556"),
        ("page.test", "http://page.test:5556"),
    ],
)
def test_a_page_is_shown_at_an_address_that_can_be_opened(host, url):
    assert page_url(host, 5556) == url
