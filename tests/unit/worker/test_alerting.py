"""The alert of a dead letter: a log event, and a webhook call that may fail."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from structlog.testing import capture_logs

from ledger.dead_letters.outbox import unpublished_events
from tests.contract.ledger.build import make_job, refuse
from worker.alerting import alert, raise_alarm

EVENT = {
    "letter_id": 1,
    "request_id": "r-1",
    "campaign": "diwali",
    "reason": "failed",
    "code": 1014,
}


@pytest.fixture
def webhook():
    """Run a server that answers 200 to /good, else 500; yield its URL and its requests."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # the name is given by the base class
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if self.path == "/good" else 500)
            self.end_headers()

        def log_message(self, *_):
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_alert_says_what_the_ledger_holds(book):
    book.settle(make_job(1), refuse())
    (opened,) = unpublished_events(book.ledger)
    with capture_logs() as logged:
        alert(book.ledger, opened.letter_id, "")
    (event,) = logged
    assert (event["event"], event["request_id"]) == ("dead_letter_alert", make_job(1).id)
    assert (event["campaign"], event["reason"]) == (opened.campaign, "failed")


@pytest.mark.parametrize("letter_id", [None, 0, -1, 7, 2**70, True, "1", {"letter_id": 1}, 1.0])
def test_a_message_that_names_no_dead_letter_raises_no_alarm(book, webhook, letter_id):
    url, received = webhook
    book.settle(make_job(1), refuse())
    with capture_logs() as logged:
        alert(book.ledger, letter_id, f"{url}/good")
    assert [event["event"] for event in logged] == ["dead_letter_unknown"]
    assert received == []


def test_a_dead_letter_is_logged_without_a_webhook():
    with capture_logs() as logged:
        raise_alarm(EVENT, "")
    (event,) = logged
    assert (event["event"], event["log_level"]) == ("dead_letter_alert", "warning")
    assert event["request_id"] == "r-1"


def test_the_webhook_receives_the_dead_letter_event(webhook):
    url, received = webhook
    raise_alarm(EVENT, f"{url}/good")
    assert received == [EVENT]


@pytest.mark.parametrize("path", ["/refuses-secret", "/%zz-secret"])
def test_a_refusal_by_the_webhook_is_logged_without_its_secret_url(webhook, path):
    url, _ = webhook
    with capture_logs() as logged:
        raise_alarm(EVENT, url + path)
    assert [event["event"] for event in logged] == ["dead_letter_alert", "webhook_failed"]
    assert logged[1]["error"] == "HTTP 500"
    assert "secret" not in str(logged)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/secret", "http://[secret", "http://127.0.0.1:99999/secret"]
)
def test_an_unreachable_webhook_is_logged_and_raises_nothing(url):
    with capture_logs() as logged:
        raise_alarm(EVENT, url)
    assert logged[1]["event"] == "webhook_failed"
    assert "secret" not in str(logged)


def test_a_webhook_whose_body_never_ends_holds_nothing_up():
    let_go = threading.Event()

    class Endless(BaseHTTPRequestHandler):
        def do_POST(self):  # the name is given by the base class
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.flush()
            let_go.wait(10)

        def log_message(self, *_):
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with capture_logs() as logged:
        raise_alarm(EVENT, f"http://127.0.0.1:{server.server_port}/")
    let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()
    assert [event["event"] for event in logged] == ["dead_letter_alert"]
