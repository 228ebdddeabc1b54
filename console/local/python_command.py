"""The command lines of our own processes in Python."""

import sys


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs an installed module of ours.

    With `-P` the working folder is not on the module path: a `json.py` there would run in place of
    the library's.
    """
    return [sys.executable, "-P", "-m", module, *arguments]
