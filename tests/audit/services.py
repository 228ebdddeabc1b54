"""The services that know vulnerabilities, and whether they answer here."""

import json
import urllib.request
from dataclasses import dataclass

_SECONDS = 10
_ASKED = ("pip", "23.0")
"""A release that both services know for certain: it has vulnerabilities."""


@dataclass(frozen=True)
class Service:
    """A service, and the options of `pip-audit` that choose it."""

    name: str
    options: tuple[str, ...]
    probe: urllib.request.Request

    def problem(self) -> str:
        """Say why it cannot be used; "" if it can."""
        try:
            with urllib.request.urlopen(self.probe, timeout=_SECONDS) as answer:
                found = json.loads(answer.read(5_000_000))
        except (OSError, ValueError) as error:
            # HTTPError and URLError are OSErrors.
            return str(error) or type(error).__name__
        if not (found.get("vulnerabilities") or found.get("vulns")):
            return f"it knows no vulnerability of {_ASKED[0]} {_ASKED[1]}, so its data is not there"
        return ""


def pypi(url: str = "https://pypi.org/pypi") -> Service:
    """PyPI's JSON pages; a mirror of packages often has none."""
    probe = urllib.request.Request(f"{url}/{_ASKED[0]}/{_ASKED[1]}/json")
    return Service("PyPI", ("-s", "pypi"), probe)


def osv(url: str = "https://api.osv.dev/v1/query") -> Service:
    """The Open Source Vulnerabilities database."""
    name, version = _ASKED
    query = {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
    probe = urllib.request.Request(
        url, json.dumps(query).encode(), {"Content-Type": "application/json"}
    )
    return Service("OSV", ("-s", "osv", "--osv-url", url), probe)
