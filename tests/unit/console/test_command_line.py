"""The command line: every command is there, and asking for one does not wait for all the others."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from console.main import COMMANDS, command_line

_LOADED = "import sys; from console.main import command_line; command_line(sys.argv[1:]); print(*sys.modules)"


def _loaded_for(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_is_listed(name):
    runner = CliRunner()
    assert runner.invoke(command_line([name]), [name, "--help"]).exit_code == 0
    assert f" {name} " in runner.invoke(command_line([]), ["--help"]).stdout


def test_a_name_that_is_no_command_is_refused_with_the_ones_there_are():
    result = CliRunner().invoke(command_line(["stauts"]), ["stauts"])
    assert result.exit_code == 2
    assert "stauts" in result.stderr


def test_the_version_is_told_without_loading_a_command():
    loaded = _loaded_for("--version")
    assert not {"sqlalchemy", "celery", "redis", "pydantic_settings"} & loaded


@pytest.mark.parametrize("name", ["issue", "migrate", "outcomes"])
def test_a_command_that_needs_no_worker_does_not_load_the_queue(name):
    assert not {"celery", "httpx", "uvicorn", "alembic"} & _loaded_for(name)
