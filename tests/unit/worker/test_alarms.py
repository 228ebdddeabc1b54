"""The alarm of a dead letter: always an event; a webhook that fails is told without its URL and stops nothing."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from structlog.testing import capture_logs

from worker.alerting import raise_alarm

NOTICE = {
    "letter_id": 1,
    "request_id": "r-1",
    "campaign": "diwali",
    "reason": "failed",
    "code": 1014,
}


@pytest.fixture
def webhook():
    """A server on the loopback that answers 200 to /good and 500 to everything else; gives its URL and what it got."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # the base class's spelling
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if self.path == "/good" else 500)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_letter_is_told_in_the_log_even_without_a_webhook():
    with capture_logs() as logged:
        raise_alarm(NOTICE, "")
    (event,) = logged
    assert (event["event"], event["log_level"]) == ("dead_letter_alert", "warning")
    assert event["request_id"] == "r-1"


def test_a_webhook_gets_the_notice(webhook):
    url, received = webhook
    raise_alarm(NOTICE, f"{url}/good")
    assert received == [NOTICE]


@pytest.mark.parametrize("path", ["/refuses-secret", "/%zz-secret"])
def test_a_webhook_that_refuses_is_told_without_the_secret_in_its_url(webhook, path):
    url, _ = webhook
    with capture_logs() as logged:
        raise_alarm(NOTICE, url + path)
    assert [event["event"] for event in logged] == ["dead_letter_alert", "webhook_failed"]
    assert logged[1]["error"] == "HTTP 500"
    assert "secret" not in str(logged)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/secret", "http://[secret", "http://127.0.0.1:99999/secret"]
)
def test_a_webhook_that_cannot_be_reached_stops_nothing(url):
    with capture_logs() as logged:
        raise_alarm(NOTICE, url)
    assert logged[1]["event"] == "webhook_failed"
    assert "secret" not in str(logged)
