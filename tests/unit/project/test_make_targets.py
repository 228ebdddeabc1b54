"""`make test` and `make test-rest` together run every test, and each test is in one of them."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_MAKEFILE = (_ROOT / "Makefile").read_text(encoding="utf-8")
_TARGETS = {"test": "not rest", "test-rest": "rest"}


def _runs(target: str) -> list[list[str]]:
    """The arguments of each pytest run of a target."""
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", _MAKEFILE, re.MULTILINE)
    assert recipe is not None, f"the Makefile has no {target}"
    lines = recipe[1].splitlines()
    return [shlex.split(line.partition("$(PYTEST)")[2]) for line in lines if "$(PYTEST)" in line]


def _folders(run: list[str]) -> set[Path]:
    return {_ROOT / word for word in run if word.startswith("tests/")}


def _is_in(file: Path, run: list[str]) -> bool:
    ignored = {_ROOT / after for word, after in pairwise(run) if word == "--ignore"}
    above = set(file.parents)
    return bool(above & (_folders(run) - ignored)) and not above & ignored


@pytest.mark.parametrize(("target", "expression"), _TARGETS.items())
def test_a_target_selects_its_tests_by_the_marker_alone(target: str, expression: str):
    for run in _runs(target):
        assert run[run.index("-m") + 1] == expression
        assert not {"-k", "--deselect", "--lf", "--ff"} & set(run)


@pytest.mark.parametrize("target", _TARGETS)
def test_every_file_of_tests_is_in_exactly_one_run_of_a_target(target: str):
    files = sorted((_ROOT / "tests").rglob("test_*.py"))
    assert files
    runs = _runs(target)
    assert [file for file in files if sum(_is_in(file, run) for run in runs) != 1] == []


def test_ci_runs_both_targets():
    commands = (_ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make check", "make test", "make test-rest"} <= set(commands)


def test_test_all_is_both_targets():
    assert re.search(r"^test-all: test test-rest ", _MAKEFILE, re.MULTILINE)
