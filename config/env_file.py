"""`.env` of the working folder. It is read only if no other user can have written it.

It holds credentials, and names the servers that get them.
"""

import os
from pathlib import Path

from dotenv import dotenv_values

from config.trusted_file import why_not_trusted

ENV_FILE = Path(".env")


class EnvFileError(Exception):
    """The file cannot be trusted. The message says why, and the remedy."""


def read_env_file(path: Path = ENV_FILE) -> dict[str, str]:
    """Read the variables of the file; without a file there are none.

    Raises:
        EnvFileError: another user can write the file, or it belongs to one.
        OSError: it cannot be read.
    """
    try:
        _require_trust(path, path.lstat(), path.stat())
        if path.is_dir():
            return {}
        with path.open(encoding="utf-8") as file:
            # What is read is what was checked, even if the name means another file by now.
            _require_trust(path, os.fstat(file.fileno()))
            found = dotenv_values(stream=file)
    except FileNotFoundError:
        return {}
    return {name: value for name, value in found.items() if value is not None}


def env_file_in_use(path: Path = ENV_FILE) -> Path | None:
    """Return the whole path of the file that is read; None if there is none."""
    return path.resolve() if path.is_file() else None


def _require_trust(path: Path, *found: os.stat_result) -> None:
    if why := why_not_trusted(path, *found):
        raise EnvFileError(why)
