"""Files that decide what this program does: each must be safe from other users."""

import os
import stat
from pathlib import Path
from pwd import getpwuid

_ROOT = 0


def why_not_trusted(path: Path, *found: os.stat_result) -> str:
    """Say why a file is not read, and the remedy; "" if only root or this user can change it.

    Args:
        path: the file, for the message.
        found: its status, and those of links to it.
    """
    ours = (_ROOT, os.geteuid())
    for each in found:
        if each.st_uid not in ours:
            return (
                f"{path.absolute()} belongs to {_name(each.st_uid)}, and is not read: run this as "
                "that user, or, if you trust what is in it, make it yours with `chown`"
            )
        if not stat.S_ISLNK(each.st_mode) and each.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return (
                f"{path.absolute()} can be written by other users (mode "
                f"{stat.S_IMODE(each.st_mode):04o}), and is not read: check what is in it, then "
                f"run `chmod go-w {path}`"
            )
    return ""


def _name(user: int) -> str:
    try:
        return f"the user {getpwuid(user).pw_name}"
    except KeyError:
        return f"the user with the number {user}"
