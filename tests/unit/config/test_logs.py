"""Logs: one masked event per line, from us and from libraries; a broken log stops nothing."""

import json
import logging
import re
import sys
from io import StringIO

import pytest
import structlog

from config.log_writer import LineLogger, lines_together
from config.logs import configure_logs
from config.settings import Settings

MOBILE, EMAIL = "919800000001", "rita@shop.example"


@pytest.fixture
def configure(monkeypatch):
    """Configures logging to write to the test's stream, and returns the stream."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = StringIO()

    def begin(**settings):
        monkeypatch.setattr(sys, "stderr", stream)
        configure_logs(Settings(_env_file=None, **({"log_format": "json"} | settings)))
        return stream

    yield begin
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def _events(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_time_level_and_logger(configure):
    stream = configure()
    structlog.get_logger("issuance.test").warning("attempt", request_id="r-1", took_ms=3)
    (event,) = _events(stream)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "attempt",
        "level": "warning",
        "logger": "issuance.test",
        "request_id": "r-1",
        "took_ms": 3,
    }


def test_a_librarys_log_entry_has_the_same_form(configure):
    stream = configure()
    logging.getLogger("celery.worker").info("Connected to %s", "redis://127.0.0.1:6379/0")
    (event,) = _events(stream)
    assert (event["event"], event["level"], event["logger"]) == (
        "Connected to redis://127.0.0.1:6379/0",
        "info",
        "celery.worker",
    )
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "field", ["customer", "mobile", "email", "external_id", "vouchers", "body"]
)
def test_a_field_that_names_a_customer_or_a_voucher_is_masked_whole(configure, field):
    stream = configure()
    structlog.get_logger("t").info("seen", **{field: "AB-12"})
    assert "AB-12" not in stream.getvalue()


@pytest.mark.parametrize("field", ["message", "detail", "error"])
def test_free_text_from_the_api_is_scrubbed(configure, field):
    stream = configure()
    structlog.get_logger("t").info("seen", **{field: f"no customer {MOBILE} or {EMAIL}"})
    assert _events(stream)[0][field] == "no customer [number] or [email]"


def test_the_text_of_an_exception_is_scrubbed(configure):
    stream = configure()
    try:
        int(f"bad customer {MOBILE}")
    except ValueError:
        structlog.get_logger("t").exception("broken")
        logging.getLogger("library").exception("broken too, by %s", EMAIL)
    assert MOBILE not in stream.getvalue()
    assert EMAIL not in stream.getvalue()
    assert all("bad customer [number]" in event["exception"] for event in _events(stream))


def test_notes_that_a_library_adds_to_its_errors_are_not_shown(configure):
    stream = configure()
    data = {"exc": f"KeyError({EMAIL!r})", "args": MOBILE}
    logging.getLogger("celery.app.trace").error("Task raised", extra={"data": data})
    assert MOBILE not in stream.getvalue()
    assert EMAIL not in stream.getvalue()
    assert len(_events(stream)) == 1


def test_a_body_that_celery_quotes_in_an_error_is_scrubbed(configure):
    stream = configure()
    logging.getLogger("celery.worker.consumer").error("Unknown message: %r", {"mobile": MOBILE})
    assert MOBILE not in stream.getvalue()


def test_ids_are_left_as_they_are_so_that_one_search_follows_a_reward(configure):
    stream = configure()
    request_id = "25574bd9-7009-5307-b251-55e51ec8a5b3"
    structlog.get_logger("t").info(f"attempt {request_id}", request_id=request_id)
    (event,) = _events(stream)
    assert event["request_id"] == request_id
    assert event["event"] == f"attempt {request_id}"


def test_entries_below_the_level_are_left_out_of_both_kinds(configure):
    stream = configure(log_level="WARNING")
    structlog.get_logger("t").info("no")
    logging.getLogger("library").info("no")
    structlog.get_logger("t").warning("yes")
    logging.getLogger("library").warning("yes")
    assert [event["event"] for event in _events(stream)] == ["yes", "yes"]


def test_celerys_entries_about_each_task_are_left_out_and_its_errors_are_not(configure):
    stream = configure()
    for name in ("celery.beat", "celery.worker.strategy", "celery.app.trace", "httpx"):
        logging.getLogger(name).info("every second")
        logging.getLogger(name).error("an error")
    assert [event["event"] for event in _events(stream)] == ["an error"] * 4


def test_on_a_terminal_events_are_readable_lines_with_exceptions_masked(configure):
    stream = configure(log_format="console")
    try:
        int(f"x {MOBILE}")
    except ValueError:
        structlog.get_logger("t").exception("broken")
    assert "broken" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert MOBILE not in stream.getvalue()


_HOSTILE = "a\x1b[2J\x9b31m\x7f\u202egpj.exe\u200b"


def _fail(message):
    raise ValueError(message)


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_entry_moves_the_cursor_of_the_terminal_that_shows_it(configure, form):
    stream = configure(log_format=form)
    log = structlog.get_logger("t")
    log.info(_HOSTILE, file=_HOSTILE, found=[_HOSTILE], host=_HOSTILE, odd=object(), key={1: "a"})
    logging.getLogger("library").error("failed: %s", _HOSTILE)
    try:
        _fail(_HOSTILE)
    except ValueError:
        log.exception("broken")
    # The renderer's own colours are no danger.
    text = re.sub(r"\x1b\[\d*(;\d+)*m", "", stream.getvalue())
    assert "gpj.exe" in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_json_shows_each_value_as_it_was(configure):
    stream = configure()
    structlog.get_logger("t").info("seen", host=_HOSTILE)
    assert _events(stream)[0]["host"] == _HOSTILE


def test_a_value_with_line_breaks_does_not_look_like_entries_on_a_terminal(configure):
    stream = configure(log_format="console")
    logging.getLogger("library").error("failed:\n2026-11-29 [info] forged")
    structlog.get_logger("t").warning("seen", message="x\n2026-11-29 [info] forged")
    lines = stream.getvalue().splitlines()
    assert not any(line.startswith("2026-11-29 [info] forged") for line in lines)


@pytest.mark.parametrize(
    "field", ["reason", "why", "because", "problem", "found", "said", "headers", "file", "note"]
)
def test_any_field_that_may_quote_an_answer_or_a_file_is_scrubbed(configure, field):
    stream = configure()
    for value in (f"no {EMAIL}", [f"no {EMAIL}", 3], {"x": EMAIL}):
        structlog.get_logger("t").info("seen", **{field: value})
    assert EMAIL not in stream.getvalue()


def test_text_that_cannot_be_encoded_is_logged_escaped(configure):
    stream = configure()
    structlog.get_logger("t").info("seen", message="half a pair: \ud800")
    assert _events(stream)[0]["message"] == "half a pair: \ud800"


def test_a_log_that_cannot_be_written_stops_nothing(configure):
    stream = configure()
    stream.close()
    structlog.get_logger("t").info("not_written")
    assert stream.closed


def test_entries_written_together_keep_their_order_in_pieces_that_a_pipe_takes_whole(
    monkeypatch,
):
    written = []
    monkeypatch.setattr(sys, "stderr", Pieces(written))
    logger = LineLogger()
    with lines_together():
        for number in range(100):
            logger.write(f"{number} ü{'x' * 300}")
        assert written == []
    assert "".join(written).splitlines() == [f"{number} ü{'x' * 300}" for number in range(100)]
    assert max(len(piece.encode()) for piece in written) <= 4_096
    assert all(piece.endswith("\n") for piece in written)
    assert len(written) < 12


def test_held_entries_are_written_when_the_block_raises(monkeypatch):
    written = []
    monkeypatch.setattr(sys, "stderr", Pieces(written))
    with pytest.raises(ZeroDivisionError):
        _break_off()
    LineLogger().info("after")
    assert written == ["before\n", "after\n"]


def _break_off():
    with lines_together():
        LineLogger().info("before")
        raise ZeroDivisionError


class Pieces:
    """A stream that keeps each piece written to it."""

    def __init__(self, written):
        self.write = written.append

    def flush(self):
        pass


def test_a_setting_under_its_old_name_logs_a_warning(configure, monkeypatch):
    monkeypatch.setenv("ISSUANCE_LOOK_UP_LAGS_SECONDS", "1,2")
    (event,) = _events(configure())
    assert (event["event"], event["level"]) == ("setting_renamed", "warning")
    assert event["new"] == "ISSUANCE_RECONCILE_DELAYS_SECONDS"


def test_links_of_kubernetes_that_were_ignored_log_a_warning(configure, monkeypatch):
    monkeypatch.setenv("ISSUANCE_FLOWER_PORT", "tcp://10.0.0.1:5555")
    (event,) = _events(configure())
    assert (event["event"], event["level"]) == ("service_links_ignored", "warning")
    assert event["names"] == ["ISSUANCE_FLOWER_PORT"]
