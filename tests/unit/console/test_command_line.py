"""The command line: every command is there, and a command loads only what it needs."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from console.command_table import COMMANDS
from console.lazy_group import load
from console.main import command_line

_MODULES_AFTER = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv[1:] = {arguments!r}
from console.main import main
main()
"""
_HEAVY = {"aiohttp", "alembic", "celery", "httpx", "kombu", "psycopg", "redis", "sqlalchemy"}
_HEAVY |= {"flower", "pydantic_settings", "structlog", "starlette", "uvicorn"}
_NOT_FOR_STATUS = {"aiohttp", "alembic", "celery", "flower", "httpx", "kombu", "psycopg"}
_NOT_FOR_STATUS |= {"producers", "rewards_api", "simulator", "starlette", "uvicorn", "worker"}


def _modules_after(home, *arguments: str) -> set[str]:
    """The packages that a process has loaded when a command has ended."""
    done = subprocess.run(
        [sys.executable, "-c", _MODULES_AFTER.format(arguments=list(arguments))],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={"ISSUANCE_HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return {module.partition(".")[0] for module in done.stderr.split()}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_own_help_equals_the_list(name):
    result = CliRunner().invoke(command_line(), [name, "--help"], terminal_width=200)
    assert result.exit_code == 0
    assert load(name).help == COMMANDS[name].help


def test_the_help_lists_every_command():
    help_text = CliRunner().invoke(command_line(), ["--help"]).stdout
    assert [name for name in COMMANDS if f" {name} " not in help_text] == []


@pytest.mark.parametrize("wrong", ["stauts", "blst", "outcome", "dead-letter"])
def test_a_typing_error_is_answered_with_the_closest_command(wrong):
    result = CliRunner().invoke(command_line(), [wrong])
    assert result.exit_code == 2
    assert f"No such command '{wrong}'. Did you mean" in result.stderr


@pytest.mark.parametrize("wrong", ["invoice", "delete"])
def test_a_name_that_is_like_no_command_gets_no_suggestion(wrong):
    result = CliRunner().invoke(command_line(), [wrong])
    assert result.exit_code == 2
    assert f"No such command '{wrong}'." in result.stderr
    assert "Did you mean" not in result.stderr


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_help_and_the_version_load_no_command(option, tmp_path):
    assert not _HEAVY & _modules_after(tmp_path, option)


def test_the_status_loads_neither_the_queue_nor_the_api_client(tmp_path):
    loaded = _modules_after(
        tmp_path, "migrate"
    )  # the ledger, so that the status has nothing to migrate
    assert "sqlalchemy" in loaded
    assert not _NOT_FOR_STATUS & _modules_after(tmp_path, "status")


@pytest.mark.parametrize("name", ["run", "up", "issue", "migrate", "outcomes"])
def test_a_command_that_calls_no_api_does_not_load_the_client(name, tmp_path):
    assert not {"aiohttp", "celery", "httpx", "uvicorn"} & _modules_after(tmp_path, name, "--help")
