"""The file of the deployment's secret is read as it is, or refused with the remedy."""

import os

import pytest

from config.deployment_secret import read_deployment_secret
from config.settings import SettingsError
from config.settings_reader import read_settings

SECRET = bytes(range(100, 132))


@pytest.fixture
def write(tmp_path):
    def write(content, mode=0o400):
        path = tmp_path / "secret"
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [SECRET, SECRET.hex().encode(), SECRET.hex().upper().encode() + b"\n", b"\n" * 32],
    ids=["raw", "hex", "hex with a line end", "raw bytes that look like line ends"],
)
def test_32_bytes_or_64_hex_digits_are_a_secret(write, content):
    expected = content if len(content) == 32 else SECRET
    assert read_deployment_secret(write(content)) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        SECRET[1:],
        SECRET + b"\n",
        SECRET.hex().encode()[2:],
        SECRET.hex().encode() * 2,
        b"g" * 64,
        b"\xff" * 64,
        b"0" * 1_000_000,
    ],
)
def test_anything_else_is_refused_without_being_shown(write, content):
    with pytest.raises(SettingsError, match="32 bytes or 64 hex digits") as caught:
        read_deployment_secret(write(content))
    shown = str(caught.value)
    assert SECRET.hex()[2:20] not in shown
    assert "gggg" not in shown


@pytest.mark.parametrize("mode", [0o404, 0o402, 0o420, 0o644])
def test_a_file_that_others_can_read_or_change_is_refused(write, mode):
    with pytest.raises(SettingsError, match="chmod 400"):
        read_deployment_secret(write(SECRET, mode))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440])
def test_a_file_that_only_owner_and_group_can_read_is_taken(write, mode):
    assert read_deployment_secret(write(SECRET, mode)) == SECRET


def test_a_link_as_kubernetes_makes_them_is_followed(write, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(write(SECRET))
    assert read_deployment_secret(link) == SECRET


def test_a_missing_file_is_refused_and_no_new_secret_suggested(tmp_path):
    with pytest.raises(SettingsError, match="Do not make another secret"):
        read_deployment_secret(tmp_path / "nothing")


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path):
        with pytest.raises(SettingsError, match="is no file"):
            read_deployment_secret(path)


def test_a_blank_setting_names_no_file(monkeypatch):
    monkeypatch.setenv("ISSUANCE_SECRET_FILE", " ")
    assert read_settings().secret_file is None
