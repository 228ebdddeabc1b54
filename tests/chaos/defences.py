"""Proof that the hazards' tests can fail: each runs on a copy of the tree with its defence switched off.

`python -m tests.chaos.defences` (`make defences`) prints what came of it as a Markdown table.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

TREE = Path(__file__).parents[2]
_FOLDERS = ("config", "console", "issuance", "ledger", "producers", "samples", "simulator", "tests", "worker")
_LONGEST_SECONDS = 600
_HEAD = "| # | Test | Defence switched off | What came of it | Seconds |\n| ---: | --- | --- | --- | ---: |"


class StaleEditError(Exception):
    """An edit no longer matches the code: mend it in `tests/chaos/defences.py`."""


@dataclass(frozen=True)
class Edit:
    """One change of a file, whose old text is there exactly once."""

    path: str
    old: str
    new: str

    def apply_to(self, tree: Path) -> None:
        """Make it.

        Raises:
            StaleEditError: the old text is not there once.
        """
        text = (tree / self.path).read_text(encoding="utf-8")
        if (count := text.count(self.old)) != 1:
            message = f"{self.path} has {self.old!r} {count} times, not once: mend tests/chaos/defences.py"
            raise StaleEditError(message)
        (tree / self.path).write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Defence:
    """What protects against a hazard, and how to switch it off.

    Attributes:
        number: of the hazard.
        test: the function in its file that is to fail.
        without: what is missing then, in words.
        edits: switch it off, all together.
    """

    number: int
    test: str
    without: str
    edits: tuple[Edit, ...]


_LAPSE = "lapsed = and_(IS_LEASED, jobs.c.lease_until < now_ms())"
_QUEUED_NEVER_LAPSE = Edit(
    "ledger/releases.py",
    _LAPSE,
    "lapsed = and_(IS_LEASED, jobs.c.state == State.RUNNING, jobs.c.lease_until < now_ms())",
)
_NOTHING_LAPSES = Edit("ledger/releases.py", _LAPSE, "lapsed = and_(IS_LEASED, jobs.c.lease_until < 0)")

DEFENCES = (
    Defence(
        1,
        "test_a_chunk_that_a_frozen_worker_popped_and_took_to_its_grave_is_released_again",
        "queued chunks never lapse",
        (_QUEUED_NEVER_LAPSE,),
    ),
    Defence(
        2,
        "test_the_jobs_of_a_killed_worker_go_on_within_their_lease_and_two_seconds",
        "leases never lapse",
        (_NOTHING_LAPSES,),
    ),
    Defence(
        3,
        "test_the_chunk_of_a_killed_child_goes_on_within_two_seconds",
        "a dead child's message is acknowledged",
        (Edit("config/celery_app.py", '"task_reject_on_worker_lost": True', '"task_reject_on_worker_lost": False'),),
    ),
    Defence(
        3,
        "test_jobs_that_kill_every_worker_are_tried_alone_and_dead_lettered_and_the_rest_of_their_chunk_is_issued",
        "a job may cost any number of workers",
        (Edit("ledger/claims.py", "CLAIMS_MAX = 3", "CLAIMS_MAX = 3_000_000"),),
    ),
    Defence(
        6,
        "test_what_was_queued_in_an_emptied_broker_is_released_again",
        "no mark in the broker",
        (Edit("worker/broker_memory.py", "if broker is None or broker.exists(_MARK):", "if True:"),),
    ),
    Defence(
        8,
        "test_a_blast_is_accepted_without_a_broker_and_published_when_it_is_there",
        "acceptance fails where its nudge does",
        (Edit("config/nudging.py", "except (RedisError, BrokerAway):", "except ZeroDivisionError:"),),
    ),
    Defence(
        9,
        "test_chunks_whose_publishing_failed_half_way_are_published_later",
        "what was not published is neither taken back nor lapses",
        (Edit("worker/releasing.py", "unqueue(parts.ledger, chunks[place:])", "pass"), _QUEUED_NEVER_LAPSE),
    ),
    Defence(
        12,
        "test_what_was_issued_and_not_recorded_is_sent_again_and_not_issued_twice",
        "every attempt has new requestIds",
        (
            Edit(
                "worker/sending.py",
                "reply = await self._client.issue(job.variant, job.body, reward_id)",
                "import os; body = job.body.replace(job.lines[0].request_id[-8:].encode(), "
                "os.urandom(4).hex().encode()); reply = await self._client.issue(job.variant, body, reward_id)",
            ),
        ),
    ),
    Defence(
        13,
        "test_workers_told_to_stop_give_back_what_they_have_not_sent",
        "workers do not hear that they are told to stop",
        (Edit("worker/stopping.py", "return _flag[0] == 1", "return False"),),
    ),
    Defence(
        14,
        "test_spoilt_messages_are_noticed_and_their_jobs_are_released_again",
        "queued chunks never lapse",
        (_QUEUED_NEVER_LAPSE,),
    ),
    Defence(
        16,
        "test_a_blast_goes_on_when_the_ledger_is_back",
        "nobody waits for the ledger, and no lease lapses",
        (
            Edit("worker/patience.py", "give_up_at = time.monotonic() + for_seconds", "give_up_at = 0.0"),
            _NOTHING_LAPSES,
        ),
    ),
)
"""Those that were found so far; a test without one here has not been shown to fail."""


def copy_tree(to: Path) -> None:
    """Copy what the tests need, without what they leave behind."""
    for name in _FOLDERS:
        shutil.copytree(TREE / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TREE / "pyproject.toml", to)


def prove(defence: Defence) -> tuple[bool, str]:
    """Run the test without its defence; returns whether it failed as it should, and the row that says so."""
    started = time.monotonic()
    with TemporaryDirectory(prefix="defences-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        for edit in defence.edits:
            edit.apply_to(tree)
        failed, came = _run(tree, defence)
    took = time.monotonic() - started
    cells = (str(defence.number), f"`{defence.test}`", defence.without, came.replace("|", "\\|"), f"{took:.0f}")
    return failed, f"| {' | '.join(cells)} |"


def _run(tree: Path, defence: Defence) -> tuple[bool, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "tests/chaos", "-k", defence.test]
    # The copy's own modules go before those of the tree that the environment was made for.
    environment = os.environ | {"PYTHONPATH": str(tree)}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False, f"**no end within {_LONGEST_SECONDS} s**"
    errors = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E  ")]
    # An error in a fixture or at import is also status 1: only a failed test counts.
    if done.returncode == 1 and "\nFAILED " in done.stdout and errors:
        return True, f"failed: {errors[0]}"
    return False, f"**did not fail (pytest's status {done.returncode})**"


def _chosen(only: str) -> Iterator[Defence]:
    return (defence for defence in DEFENCES if only in f"{defence.number:02} {defence.test}")


def main() -> int:
    """Prove them; the exit status is 1 where a test did not fail."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.defences", description=__doc__)
    parser.add_argument("-k", dest="only", default="", help="only those with this in their number and test's name")
    parser.add_argument("--table", type=Path, help="write the table to this Markdown file too")
    given = parser.parse_args()
    print(_HEAD, flush=True)
    rows, all_failed = [_HEAD], True
    for defence in _chosen(given.only):
        failed, row = prove(defence)
        print(row, flush=True)
        rows.append(row)
        all_failed = all_failed and failed
    if given.table:
        title = "# Each hazard's test fails without its defence\n\nWritten by `python -m tests.chaos.defences`.\n"
        given.table.write_text("\n".join([title, *rows, ""]), encoding="utf-8")
    return 0 if all_failed else 1


if __name__ == "__main__":
    sys.exit(main())
