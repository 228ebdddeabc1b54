"""One lock file's scan by `pip-audit`, and what its answer means."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.audit.services import Service

_LONGEST_SECONDS = 900


@dataclass(frozen=True)
class Scan:
    """What is known about the packages of one lock file."""

    file: str
    packages: int = 0
    vulnerable: tuple[str, ...] = ()
    """A line for each vulnerability: package, version, id and the releases that fix it."""
    unknown: tuple[str, ...] = ()
    """Packages that the service could not say anything about."""
    fault: str = ""
    """Why there is no answer."""


def scan(lock: Path, service: Service) -> Scan:
    """Scan a lock file; nothing is installed and no package is loaded."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--desc", "off"),
        *("--format", "json", "--progress-spinner", "off", *service.options, "-r", str(lock)),
    ]
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    more = {"REQUESTS_CA_BUNDLE": certificates} if certificates else {}
    try:
        done = subprocess.run(
            command,
            env=more | os.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Scan(lock.name, fault=f"no answer in {_LONGEST_SECONDS} s")
    return read(lock.name, done.stdout, done.stderr)


def read(file: str, output: str, errors: str) -> Scan:
    """Read the answer of `pip-audit --format json`.

    Its exit status is 0, too, when it could not find a single package.
    """
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = errors.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        return Scan(file, fault=last[0])
    return Scan(
        file,
        len(packages),
        tuple(_vulnerable(packages)),
        tuple(each["name"] for each in packages if "skip_reason" in each),
    )


def _vulnerable(packages: Iterable[dict]) -> Iterable[str]:
    for each in packages:
        for found in each.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no release yet"
            yield f"{each['name']} {each['version']}: {found['id']}, fixed by {fixed}"
