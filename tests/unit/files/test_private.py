"""Files and folders are their owner's alone, whatever the umask, and a symlink leads nowhere."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from files import private


@pytest.fixture(autouse=True)
def _no_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def append(path, text, **options):
    with private.open_to_append(path, **options) as file:
        file.write(text)


def test_what_is_created_is_for_its_owner_only(tmp_path):
    private.make_folder(tmp_path / "a" / "b")
    private.create_if_missing(tmp_path / "empty")
    private.replace_text(tmp_path / "text", "x")
    append(tmp_path / "log", b"x")
    draft, descriptor = private.create_draft(tmp_path / "new")
    os.close(descriptor)
    private.publish(draft, tmp_path / "new")
    found = {path.name: mode(path) for path in tmp_path.rglob("*")}
    assert found == {
        "a": 0o700,
        "b": 0o700,
        "empty": 0o600,
        "text": 0o600,
        "log": 0o600,
        "new": 0o600,
    }


def test_what_exists_is_tightened_and_keeps_its_content(tmp_path):
    for name in ("log", "ledger"):
        (tmp_path / name).write_text("old,")
        (tmp_path / name).chmod(0o666)
    append(tmp_path / "log", b"new")
    private.create_if_missing(tmp_path / "ledger")
    assert (tmp_path / "log").read_text() == "old,new"
    assert (tmp_path / "ledger").read_text() == "old,"
    assert [mode(tmp_path / name) for name in ("log", "ledger")] == [0o600] * 2


def test_a_whole_folder_is_tightened_except_what_links_lead_to(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o644)
    broker = tmp_path / "broker"
    (broker / "appendonlydir").mkdir(parents=True)
    (broker / "appendonlydir" / "1.aof").write_text("token")
    (broker / "link").symlink_to(outside)
    private.tighten_all(broker)
    assert mode(outside) == 0o644
    assert not any(mode(path) & 0o077 for path in broker.rglob("[!l]*"))
    private.tighten_all(tmp_path / "missing")


def test_a_log_that_another_program_made_may_keep_its_mode(tmp_path):
    (tmp_path / "log").touch()
    (tmp_path / "log").chmod(0o640)
    append(tmp_path / "log", b"x", keeps_mode=True)
    append(tmp_path / "new", b"x", keeps_mode=True)
    assert (mode(tmp_path / "log"), mode(tmp_path / "new")) == (0o640, 0o600)


@pytest.mark.parametrize("is_dangling", [True, False])
def test_a_planted_symlink_is_never_followed(tmp_path, is_dangling):
    target, planted = tmp_path / "target", tmp_path / "planted"
    if not is_dangling:
        target.write_text("precious")
        target.chmod(0o644)
    planted.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        append(planted, b"x")
    private.create_if_missing(planted)
    draft, descriptor = private.create_draft(planted)
    os.close(descriptor)
    with pytest.raises(FileExistsError):
        private.publish(draft, planted)
    private.replace_text(planted, "new")
    assert (planted.is_symlink(), planted.read_text()) == (False, "new")
    assert target.exists() is not is_dangling
    if not is_dangling:
        assert (target.read_text(), mode(target)) == ("precious", 0o644)


def test_a_draft_never_replaces_a_file_where_the_file_system_has_no_links(tmp_path, monkeypatch):
    def no_links(*_args, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    drafts = [private.create_draft(tmp_path / "copy") for _ in range(2)]
    for _, descriptor in drafts:
        os.close(descriptor)
    private.publish(drafts[0][0], tmp_path / "copy")
    with pytest.raises(FileExistsError):
        private.publish(drafts[1][0], tmp_path / "copy")


def test_a_draft_of_a_file_with_the_longest_name_can_be_created(tmp_path):
    draft, descriptor = private.create_draft(tmp_path / ("é" * 127))
    os.close(descriptor)
    assert draft.exists()


def test_a_failed_write_leaves_the_old_text_and_no_draft(tmp_path):
    (tmp_path / "text").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        private.replace_text(tmp_path / "text", "\ud800")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("text", "old")]


_AS_NOBODY = """
import os, sys
from pathlib import Path
from files.private import NotPrivateError, tighten
os.setuid(65534)
try:
    tighten(Path(sys.argv[1]))
except NotPrivateError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_file_of_another_user_that_others_can_read_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "ledger.db")
        path.touch()
        path.chmod(0o644)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, path], capture_output=True, text=True, check=True
        )
        assert f"{path}, which belongs to user 0" in done.stdout
        assert mode(path) == 0o644
