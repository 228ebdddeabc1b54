"""Log files are bounded, and a process opens its log again after a rename."""

import subprocess
import sys

import pytest

from config.log_files import rotate

_WRITER = """
import logging, os, sys
from config import log_files
from config.log_writer import follow_renames
from config.logs import configure_logs
from config.settings import Settings
import structlog
log_files._CHECK_SECONDS = 0.0
configure_logs(Settings(_env_file=None, log_format="json"))
follow_renames()
child = os.fork()
for line in sys.stdin if child else ():
    structlog.get_logger("x").warning(line.strip())
    logging.getLogger("lib").warning("lib-" + line.strip())
    print("done", file=sys.stdout, flush=True)
"""


@pytest.fixture
def write(tmp_path):
    """A process that logs a line to `a.log` and returns when it has."""
    with (tmp_path / "a.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def write(line: str) -> None:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    yield write
    process.stdin.close()
    process.stdout.close()
    process.wait(10)


def test_a_renamed_log_is_opened_again_and_no_entry_is_lost(write, tmp_path):
    write("one")
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    write("two")
    assert [word in (tmp_path / "a.log.1").read_text() for word in ("one", "lib-one")] == [True] * 2
    text = (tmp_path / "a.log").read_text()
    assert [word in text for word in ("one", "two", "lib-two")] == [False, True, True]


def test_a_large_log_is_rotated_and_the_oldest_is_deleted(write, tmp_path):
    path = tmp_path / "a.log"
    for number in range(5):
        write(f"entry-{number}")
        assert rotate(path, largest_bytes=10, kept=3)
        assert not rotate(path, largest_bytes=10, kept=3)
    write("last")
    texts = [one.read_text() for one in (path, *(tmp_path / f"a.log.{n}" for n in (1, 2, 3)))]
    wanted = ("last", "entry-4", "entry-3", "entry-2")
    assert [word in text for word, text in zip(wanted, texts, strict=True)] == [True] * 4
    assert not (tmp_path / "a.log.4").exists()


def test_a_process_that_does_not_follow_renames_continues_in_an_emptied_file(tmp_path):
    path = tmp_path / "broker.log"
    with path.open("ab", buffering=0) as log:
        log.write(b"x" * 100)
        assert rotate(path, largest_bytes=50, kept=2, copies=True)
        log.write(b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "broker.log.1").read_bytes() == b"x" * 100


def test_an_absent_log_is_no_error(tmp_path):
    assert not rotate(tmp_path / "none.log", largest_bytes=1, kept=1)
