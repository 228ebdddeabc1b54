"""`issuance demo --keep` leaves the system running, and its link leads to the console."""

import os
import re
import signal
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from console.local.python_command import python_command
from tests.e2e.processes import await_that

_ROWS = "mobile,rewardId,quantity\n919800000001,1001,1\n919800000002,1001,1\n"


@pytest.mark.processes
def test_a_kept_demo_is_shown_on_the_console_and_ends_with_a_signal(tmp_path: Path):
    rows, output = tmp_path / "rows.csv", tmp_path / "out"
    rows.write_text(_ROWS)
    with output.open("wb") as out:
        demo = subprocess.Popen(
            python_command("console", "demo", "--file", str(rows), "--keep"),
            env=os.environ | {"ISSUANCE_HOME": str(tmp_path / "home")},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    processes: list[psutil.Process] = []

    def waits() -> bool:
        assert demo.poll() is None, output.read_text()
        return "ends with SIGINT" in output.read_text()

    try:
        await_that("the demo waits", waits, 100)
        processes = psutil.Process(demo.pid).children(recursive=True)
        text = output.read_text()
        assert "double issues: 0, lost: 0 (2 requestIds compared one by one)" in text
        _, link = re.findall(r"^console +(\S+)$", text, re.MULTILINE)
        base, _, token = link.rpartition("/login/link/")
        headers = {"sec-fetch-site": "same-origin"}
        with httpx.Client(base_url=base, trust_env=False, headers=headers, timeout=20) as browser:
            assert browser.post("/login", data={"token": token}).status_code == 303
            assert "<dt>issued</dt><dd>2</dd>" in browser.get("/campaigns/spring-demo").text
    finally:
        demo.send_signal(signal.SIGTERM)
        code = demo.wait(60)
    assert code == 0
    assert psutil.wait_procs(processes, timeout=30)[1] == []
