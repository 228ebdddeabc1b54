"""The machine and the code that were measured."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("celery", "httpx", "aiohttp", "sqlalchemy", "psycopg", "dramatiq", "taskiq", "saq")


def describe_machine() -> str:
    """Processor, cores and memory."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores, system = os.cpu_count(), f"{platform.system()} {platform.release()}"
    return f"{_processor()}, {cores} cores, {pages:.0f} GiB, {system}"


def describe_versions() -> str:
    """Versions of Python and the relevant packages."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Python {sys.version.split()[0]}, {packages}"


def load_average() -> float:
    """The system's load average over the last minute."""
    return os.getloadavg()[0]


def commit() -> str:
    """The project's commit; "unknown" outside a clone."""
    shown = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        "unknown",
    )
