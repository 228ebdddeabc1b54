"""Files in the working folder run no code: modules, configurations and stored schedules."""

import os
import pickle
import re
import shelve
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import await_that
from tests.e2e.system import scrubbed_environment

_COMMAND = Path(sys.executable).with_name("issuance")
_SECONDS = 90.0
_CONFIGURATIONS = {"flowerconfig", "celeryconfig", "sitecustomize", "usercustomize"}
_STORED = ("celerybeat-schedule", "flower")


class _Planted:
    """An object whose unpickling leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    folder = tmp_path / "traces"
    folder.mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path, traces: Path) -> Path:
    """A folder with a module of every name that can be imported, and with stored objects."""
    planted = tmp_path / "planted"
    planted.mkdir()
    known = {name for name in packages_distributions() if name.isidentifier()}
    for name in {*sys.stdlib_module_names, *known, *_CONFIGURATIONS, "issuance", "console"}:
        text = f"open({str(traces / name)!r}, 'w').close()\n"
        (planted / f"{name}.py").write_text(text, encoding="utf-8")
    for name in _STORED:
        with shelve.open(str(planted / name)) as stored:
            for key in ("entries", "__version__", "tz", "utc_enabled", "events"):
                stored[key] = _Planted(traces / f"{name}-{key}")
    return planted


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return scrubbed_environment() | {
        "ISSUANCE_HOME": str(tmp_path / "home"),
        "ISSUANCE_FLOWER_PORT": "0",
        "ISSUANCE_HEALTH_PORT": "0",
        "ISSUANCE_WORKERS": "1",
    }


def test_a_planted_object_and_a_planted_module_would_leave_a_trace(folder, traces):
    with shelve.open(str(folder / "flower")) as stored, suppress(pickle.UnpicklingError):
        _ = stored["events"]
    subprocess.run([sys.executable, "-c", "import flowerconfig"], cwd=folder, check=False)
    assert {"flower-events", "flowerconfig"} <= {trace.name for trace in traces.iterdir()}


@pytest.mark.smoke
def test_up_and_its_processes_run_nothing_of_the_working_folder(
    folder, traces, environment, tmp_path
):
    output = tmp_path / "up.log"
    (folder / ".env").write_text("ISSUANCE_API_BRAND=DEMO\n", encoding="utf-8")

    def command(*arguments: str) -> str:
        done = subprocess.run(
            [_COMMAND, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with output.open("wb") as log:
        up = subprocess.Popen(
            [_COMMAND, "up", "--simulator"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:

        def ready() -> bool:
            assert up.poll() is None, output.read_text()
            return "issuance is ready" in output.read_text()

        await_that("the system is ready", ready, _SECONDS)
        said = output.read_text()
        assert f"settings   {folder / '.env'}, and the environment" in said
        url, password = re.findall(r"Flower +(\S+) \(user operator, password (\S{24})\)", said)[0]
        command("issue", "--mobile", "919800000001", "--reward-id", "1001", "--wait")
        assert f"settings {folder / '.env'}" in command("status")

        def shown() -> bool:
            with suppress(httpx.TransportError):
                found = httpx.get(f"{url}/api/tasks", auth=("operator", password), timeout=20)
                return "issued 1" in str([task["result"] for task in found.json().values()])
            return False

        await_that("Flower shows the chunk's result", shown, _SECONDS)
        assert httpx.get(f"{url}/api/tasks", timeout=20).status_code == 401
    finally:
        up.terminate()
        status = up.wait(60)
    assert status == 0
    logs = {path.name for path in (tmp_path / "home" / "logs").glob("*.log")}
    assert {"beat.log", "flower.log", "worker.log", "release.log", "simulator.log"} <= logs
    assert password not in "".join(
        path.read_text(errors="replace") for path in (tmp_path / "home" / "logs").glob("*.log")
    )
    assert sorted(trace.name for trace in traces.iterdir()) == []
