"""The `.env` of the working folder: refused if others can write it, and named where it is read."""

import json
import subprocess
import sys

import pytest


@pytest.fixture
def file(tmp_path):
    path = tmp_path / ".env"
    path.write_text("ISSUANCE_API_URL=http://127.0.0.1:1\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "command",
    [["status"], ["health"], ["up"], ["run", "worker"], ["run", "flower"], ["run", "beat"]],
)
def test_a_file_that_others_can_write_ends_every_command(file, command):
    file.chmod(0o666)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "console", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {file} can be written by other users")


def test_the_status_names_the_file(run, file):
    assert f"settings {file}, and the environment" in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["settingsFile"] == str(file)
    file.unlink()
    assert "settings" not in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["settingsFile"] is None


def test_a_process_logs_the_file(run, file, monkeypatch):
    monkeypatch.setenv("ISSUANCE_LOG_LEVEL", "INFO")
    monkeypatch.setenv("ISSUANCE_LOG_FORMAT", "json")
    entries = [json.loads(line) for line in run("status").stderr.splitlines()]
    (entry,) = [entry for entry in entries if entry["event"] == "settings_file_read"]
    assert entry["file"] == str(file)
