"""The edits that remove the hazards' defences still match the code; no process is started."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.defence import Defence, Edit, StaleEditError
from tests.chaos.defence_list import DEFENCES
from tests.chaos.defences import TREE, judge


@pytest.mark.parametrize(
    "defence", DEFENCES, ids=lambda defence: f"{defence.number}: {defence.without}"
)
def test_every_defence_can_be_removed(defence: Defence, tmp_path: Path):
    for edit in defence.edits:
        (tmp_path / edit.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TREE / edit.path, tmp_path / edit.path)
        edit.apply_to(tmp_path)
        compile((tmp_path / edit.path).read_text(encoding="utf-8"), edit.path, "exec")


@pytest.mark.parametrize(
    "defence", DEFENCES, ids=lambda defence: f"{defence.number}: {defence.without}"
)
def test_every_defence_names_a_test_of_its_hazard(defence: Defence):
    (path,) = (TREE / "tests/chaos").glob(f"test_{defence.number:02}_*.py")
    assert f"def {defence.test}(" in path.read_text(encoding="utf-8")


def test_an_edit_that_no_longer_matches_is_refused(tmp_path: Path):
    (tmp_path / "code.py").write_text("now = 1\n", encoding="utf-8")
    with pytest.raises(StaleEditError, match="not once"):
        Edit("code.py", "then = 1", "then = 2").apply_to(tmp_path)


def test_every_hazard_test_is_proved_by_a_defence():
    assert {defence.test for defence in DEFENCES} == set(_tests_of_hazards())


def _tests_of_hazards() -> Iterator[str]:
    for path in (TREE / "tests/chaos").glob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


_FAILED = (
    "E   AssertionError: not within 40 s: the blast is running\n"
    "FAILED tests/chaos/test_04.py::test\n1 failed"
)


@pytest.mark.parametrize(
    ("status", "output", "failed"),
    [
        (1, f"\n{_FAILED}", True),
        (0, "1 passed", False),
        (1, "E   fixture 'hazard' not found\nERROR tests/chaos/test_04.py::test\n1 error", False),
        (5, "no tests ran", False),
    ],
    ids=["failed", "passed", "an error in a fixture", "no such test"],
)
def test_only_a_failed_test_shows_that_its_defence_is_needed(status, output, failed):
    assert judge(status, output)[0] is failed


def test_the_last_line_of_a_traceback_is_reported():
    lines = (
        "AssertionError: Traceback (most recent call last):",
        '  File "a.py", line 1',
        "redis.Away: full",
        "assert 1 == 0",
    )
    output = "\n".join(f"E   {line}" for line in lines) + "\nFAILED tests/chaos/test_07.py::test"
    assert judge(1, output) == (True, "failed: redis.Away: full")
