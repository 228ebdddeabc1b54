"""The machine and the code that the figures are of."""

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
    return f"{_processor()}, {os.cpu_count()} cores, {pages:.0f} GiB, {platform.system()} {platform.release()}"


def describe_versions() -> str:
    """Python and the packages that matter."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Python {sys.version.split()[0]}, {packages}"


def load_average() -> float:
    """Processes that want a core, over the last minute."""
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
