"""`make audit` and `make sbom`: what is found, and what is said when there is no data."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.audit.__main__ import AWAY, FAILED, FOUND, LOCKS, main
from tests.audit.scan import read
from tests.audit.services import osv, pypi

ROOT = Path(__file__).parents[3]
HASH = f"--hash=sha256:{'0' * 64}"
PROBED = {"pip"}


class Database:
    """A stub of the OSV service: it knows a vulnerability of each of these packages."""

    def __init__(self, *vulnerable: str, status: int = 200) -> None:
        database = self
        self.vulnerable, self.status = {*PROBED, *vulnerable}, status

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                database.answer(self, json.loads(self.rfile.read(length)))

            def do_GET(self):
                database.answer(self, {"package": {"name": ""}, "version": ""})

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/query"

    def answer(self, request, query):
        name = query["package"]["name"]
        known = {
            "id": f"GHSA-{name}",
            "modified": "2026-01-01T00:00:00Z",
            "affected": [
                {
                    "package": {"name": name, "ecosystem": "PyPI"},
                    "versions": [query["version"]],
                    "ranges": [
                        {
                            "type": "ECOSYSTEM",
                            "events": [{"introduced": "0"}, {"fixed": "9.9"}],
                        }
                    ],
                }
            ],
        }
        body = json.dumps({"vulns": [known]} if name in self.vulnerable else {}).encode()
        request.send_response(self.status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.lock"
    path.write_text(f"good==1.0 {HASH}\nbad==2.0 {HASH}\n")
    return path


def test_a_vulnerable_package_is_named_with_the_release_that_fixes_it(lock, capsys):
    with Database("bad") as database:
        assert main(["--data-may-be-away", "--osv-url", database.url, str(lock)]) == FOUND
    shown = capsys.readouterr().out
    assert "requirements.lock: 2 packages, 1 vulnerabilities" in shown
    assert "bad 2.0: GHSA-bad, fixed by 9.9" in shown
    assert "VULNERABLE" in shown


def test_packages_without_a_known_vulnerability_are_good(lock, capsys):
    with Database() as database:
        assert main(["--osv-url", database.url, str(lock)]) == 0
    assert "No known vulnerability (OSV)" in capsys.readouterr().out


@pytest.mark.parametrize(("options", "status"), [([], AWAY), (["--data-may-be-away"], 0)])
def test_data_that_cannot_be_reached_is_said_and_has_a_status_of_its_own(
    lock, capsys, options, status
):
    with Database(status=503) as database:
        assert main([*options, "--osv-url", database.url, str(lock)]) == status
    assert main([*options, "--osv-url", database.url, str(lock)]) == status  # it is gone now
    shown = capsys.readouterr().out
    assert "503" in shown
    assert "refused" in shown
    assert shown.count("NOT AUDITED: no vulnerability data can be reached") == 2


def test_a_lock_file_that_cannot_be_read_is_no_missing_data(tmp_path, capsys):
    path = tmp_path / "requirements.lock"
    path.write_text("good\n")
    with Database() as database:
        assert main(["--data-may-be-away", "--osv-url", database.url, str(path)]) == FAILED
    assert "requirements.lock: not audited: " in capsys.readouterr().out


def test_a_service_that_knows_nothing_cannot_be_used():
    with Database() as database:
        database.vulnerable.clear()
        assert "its data is not there" in osv(database.url).problem()
        assert "its data is not there" in pypi(database.url).problem()


def test_a_package_that_the_service_does_not_know_is_not_taken_for_a_good_one():
    """As `pip-audit` says it, with exit status 0, where a mirror of PyPI has no JSON pages."""
    found = read(
        "requirements.lock",
        '{"dependencies": [{"name": "celery", "skip_reason": "Dependency not found on PyPI"}]}',
        "",
    )
    assert (found.unknown, found.vulnerable, found.fault) == (("celery",), (), "")


def test_every_lock_file_is_audited():
    assert {lock.name for lock in LOCKS} == {
        "requirements.lock",
        "requirements-bench.lock",
        "requirements-dev.lock",
        "requirements-otel.lock",
        "requirements-uv.lock",
    }


def test_every_locked_package_of_the_image_is_in_the_sbom(tmp_path):
    written = tmp_path / "sbom.json"
    lock = ROOT / "requirements.lock"
    command = [sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", "requirements"]
    subprocess.run(
        [*command, lock, "--pyproject", ROOT / "pyproject.toml", "-o", written], check=True
    )
    found = json.loads(written.read_text())
    assert (found["bomFormat"], found["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "reward-issuance",
    )
    locked = {
        line.partition(" ")[0].partition("==")[0]
        for line in lock.read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    }
    assert {component["name"] for component in found["components"]} == locked
    assert all(component["externalReferences"][0]["hashes"] for component in found["components"])
