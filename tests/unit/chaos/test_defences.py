"""The switches of the hazards' defences, beside today's code: no process is started here."""

import shutil
from pathlib import Path

import pytest

from tests.chaos.defence import Defence, Edit, StaleEditError
from tests.chaos.defence_list import DEFENCES
from tests.chaos.defences import TREE


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda defence: f"{defence.number}: {defence.without}")
def test_every_defence_can_still_be_switched_off(defence: Defence, tmp_path: Path):
    for edit in defence.edits:
        (tmp_path / edit.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TREE / edit.path, tmp_path / edit.path)
        edit.apply_to(tmp_path)
        compile((tmp_path / edit.path).read_text(encoding="utf-8"), edit.path, "exec")


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda defence: f"{defence.number}: {defence.without}")
def test_every_defence_names_a_test_of_its_hazard(defence: Defence):
    (path,) = (TREE / "tests/chaos").glob(f"test_{defence.number:02}_*.py")
    assert f"def {defence.test}(" in path.read_text(encoding="utf-8")


def test_an_edit_that_no_longer_matches_is_refused(tmp_path: Path):
    (tmp_path / "code.py").write_text("now = 1\n", encoding="utf-8")
    with pytest.raises(StaleEditError, match="not once"):
        Edit("code.py", "then = 1", "then = 2").apply_to(tmp_path)
