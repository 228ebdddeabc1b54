"""The system's user of this process, as the system knows it and not the environment."""

import os
import pwd
import socket
from functools import cache
from typing import NamedTuple


class SystemUser(NamedTuple):
    """A user of this machine."""

    name: str
    """`uid 1234` for a user without a name, as containers have them."""
    uid: int
    host: str


@cache
def system_user() -> SystemUser:
    """Return the real user of this process; `$LOGNAME` and `$USER` can name anybody."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return SystemUser(name, uid, socket.gethostname())
