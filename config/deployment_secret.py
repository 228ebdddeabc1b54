"""Reads the deployment's secret from the file that ISSUANCE_SECRET_FILE names."""

import stat
from pathlib import Path

from config.settings import SettingsError
from issuance.derived_keys import SECRET_BYTES

_NAME = "ISSUANCE_SECRET_FILE"
_MOST_BYTES = 256
_OPEN_TO_OTHERS = stat.S_IWGRP | stat.S_IRWXO
"""The group may read it: so Kubernetes gives a secret to a process that is not root."""
_MAKE_ONE = "make one with `openssl rand -hex 32`"


def read_deployment_secret(path: Path) -> bytes:
    """Return the secret: 32 bytes, which the file holds as they are or as 64 hex digits.

    Raises:
        SettingsError: the file cannot be read, others may read or write it, or it holds something
            else. No message shows its content.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # to open a FIFO would block
            raise SettingsError(f"{_NAME}: {path} is no file: name the file that holds the secret")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path.
        raise SettingsError(
            f"{_NAME}: {path} cannot be read ({type(error).__name__}): correct its path or its "
            "permissions. Do not make another secret unless this is a new ledger"
        ) from None
    if status.st_mode & _OPEN_TO_OTHERS:
        raise SettingsError(
            f"{_NAME}: other users may read or change {path}: `chmod 400` it, and let it belong "
            "to the user of this process"
        )
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> bytes:
    if len(content) == SECRET_BYTES:
        return content
    try:
        value = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        value = b""
    if len(value) != SECRET_BYTES:
        raise SettingsError(
            f"{_NAME}: {path} must hold {SECRET_BYTES} bytes or {2 * SECRET_BYTES} hex digits: "
            f"restore the file, or for a new ledger {_MAKE_ONE}"
        )
    return value
