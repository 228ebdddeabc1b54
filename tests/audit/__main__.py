"""Asks for known vulnerabilities of every locked package: `python -m tests.audit`.

Exit status: 0 none is known; 1 there are some; 69 the data could not be reached, or not for every
package. With `--data-may-be-away` that is 0, with the same message. 70 pip-audit itself failed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.audit.scan import Scan, scan
from tests.audit.services import Service, osv, pypi

ROOT = Path(__file__).parents[2]
LOCKS = tuple(sorted(ROOT.glob("requirements*.lock")))
FOUND, AWAY, FAILED = 1, 69, 70
_SHOWN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    services = [
        *([] if options.osv_url else [pypi()]),
        osv(*([options.osv_url] if options.osv_url else [])),
    ]
    service = _first_that_answers(services)
    if service is None:
        _say(
            "NOT AUDITED: no vulnerability data can be reached from here, so nothing is known "
            "about the locked packages. Run `make audit` where pypi.org or api.osv.dev answers."
        )
        return 0 if options.data_may_be_away else AWAY
    scans = [scan(lock, service) for lock in options.locks]
    for each in scans:
        _say(_line(each))
        for vulnerability in each.vulnerable:
            _say(f"  {vulnerability}")
    if any(each.vulnerable for each in scans):
        _say(
            "VULNERABLE: raise the lower bound of the package in pyproject.toml to a release that "
            "fixes it, and run `make lock`."
        )
        return FOUND
    if any(each.fault for each in scans):
        _say("NOT AUDITED in part: pip-audit failed.")
        return FAILED
    if any(each.unknown for each in scans):
        _say(f"NOT AUDITED in part: {service.name} does not know every package.")
        return 0 if options.data_may_be_away else AWAY
    _say(f"No known vulnerability ({service.name}).")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.audit")
    parser.add_argument(
        "--data-may-be-away",
        action="store_true",
        help="exit with 0, not 69, when the vulnerability data cannot be reached",
    )
    parser.add_argument("--osv-url", help="ask only this OSV service")
    parser.add_argument(
        "locks", nargs="*", type=Path, default=LOCKS, help="lock files; default: all of them"
    )
    return parser.parse_args(arguments)


def _first_that_answers(services: Sequence[Service]) -> Service | None:
    for service in services:
        problem = service.problem()
        if not problem:
            return service
        _say(f"{service.name} cannot be used: {problem}")
    return None


def _line(found: Scan) -> str:
    if found.fault:
        return f"{found.file}: not audited: {found.fault}"
    unknown = ""
    if found.unknown:
        more = ", …" if len(found.unknown) > _SHOWN else ""
        unknown = f", {len(found.unknown)} not audited ({', '.join(found.unknown[:_SHOWN])}{more})"
    return (
        f"{found.file}: {found.packages} packages, {len(found.vulnerable)} vulnerabilities{unknown}"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
