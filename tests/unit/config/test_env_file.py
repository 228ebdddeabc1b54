"""`.env` is read only if no other user can have written it."""

import os
from pathlib import Path

import pytest

from config.env_file import EnvFileError, env_file_in_use, read_env_file
from config.settings import Settings, SettingsError
from config.settings_reader import read_settings, read_variable

OTHER = 54_321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("ISSUANCE_WORKERS=3\nSECRET_OF_EU=abc\nBLANK\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_without_a_file_there_are_no_variables():
    assert read_env_file() == {}
    assert env_file_in_use() is None


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o644])
def test_a_file_that_only_we_can_write_is_read(file, mode):
    file.chmod(mode)
    assert read_env_file() == {"ISSUANCE_WORKERS": "3", "SECRET_OF_EU": "abc"}
    assert read_settings().workers == 3
    assert read_variable("SECRET_OF_EU") == "abc"
    assert env_file_in_use() == file


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o664, 0o666, 0o777])
def test_a_file_that_others_can_write_is_refused_with_the_remedy(file, mode):
    file.chmod(mode)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file} can be written by other users (mode {mode:04o})")
    assert "chmod go-w .env" in line
    with pytest.raises(SettingsError, match="can be written by other users"):
        read_variable("SECRET_OF_EU")


def test_a_link_to_a_file_that_others_can_write_is_refused(file, tmp_path):
    target = tmp_path / "elsewhere"
    file.rename(target)
    file.symlink_to(target)
    assert read_env_file()["ISSUANCE_WORKERS"] == "3"
    target.chmod(0o646)
    with pytest.raises(EnvFileError, match="can be written by other users"):
        read_env_file()


@as_root
def test_a_file_of_another_user_is_refused(file):
    os.chown(file, OTHER, OTHER)
    with pytest.raises(SettingsError, match=f"belongs to the user with the number {OTHER}"):
        read_settings()


@as_root
def test_a_link_that_another_user_made_is_refused(file, tmp_path):
    target = tmp_path / "elsewhere"
    file.rename(target)
    file.symlink_to(target)
    os.lchown(file, OTHER, OTHER)
    with pytest.raises(EnvFileError, match="belongs to the user with the number"):
        read_env_file()


@as_root
@pytest.mark.parametrize("owner", [0, OTHER])
def test_a_user_reads_a_file_of_their_own_or_of_root(file, monkeypatch, owner):
    os.chown(file, owner, owner)
    monkeypatch.setattr(os, "geteuid", lambda: OTHER)
    assert read_env_file()["ISSUANCE_WORKERS"] == "3"


def test_a_folder_of_that_name_is_no_file(tmp_path):
    (tmp_path / ".env").mkdir(mode=0o700)
    assert read_env_file() == {}
    assert env_file_in_use() is None


def test_the_environment_wins_over_the_file_in_any_spelling(file, monkeypatch):
    monkeypatch.setenv("issuance_workers", "5")
    assert read_settings().workers == 5


def test_settings_that_are_made_in_code_read_no_file(file):
    assert Settings().workers == Settings.model_fields["workers"].default
