"""Each shipped alert fires in its fault and is silent in a normal run, on series of real runs."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.monitoring.recording import INTERVAL_SECONDS, RECORDED, ROOT, RULES, Recording, as_yaml

_RULES = yaml.safe_load(RULES.read_text(encoding="utf-8"))
_ALERTS = {
    rule["alert"]: rule for group in _RULES["groups"] for rule in group["rules"] if "alert" in rule
}
_DAY = 86_400


@dataclass(frozen=True)
class Proof:
    """An alert, the run that must make it fire, and how long that may take."""

    alert: str
    run: str
    within_seconds: int
    """Since the fault."""
    hold_seconds: int = 0
    """For alerts that wait longer than a run: the state at its end lasts for this long."""


_PROOFS = (
    Proof("IssuanceNotIssuing", "workers_hang", 300),
    Proof("IssuanceAccountSuspended", "api_down", 240),
    Proof("IssuanceCampaignSuspended", "campaign_sick", 300),
    Proof("IssuanceCampaignPaused", "paused", _DAY + 60, hold_seconds=_DAY),
    Proof("IssuanceCampaignStopped", "stopped", 60),
    Proof("IssuanceAdaptiveLimitLow", "throttled", 420),
    Proof("IssuanceInDoubtOld", "in_doubt", 3_720, hold_seconds=3_900),
    Proof("IssuanceProcessMissing", "release_stopped", 90),
    Proof("IssuanceProcessMissing", "beat_stopped", 90),
    Proof("IssuanceWorkerMissing", "worker_gone", 240),
    Proof("IssuanceServerAway", "broker_away", 90),
    Proof("IssuanceServerAway", "ledger_away", 120),
    Proof("IssuanceMetricsAway", "ledger_away", 120),
    Proof("IssuanceMetricsAway", "health_gone", 90),
    Proof("IssuanceBacklogLate", "slow_backlog", 480),
    Proof("IssuanceDeadLettersFast", "refused_rows", 120),
    Proof("IssuanceDeadLettersSteady", "refused_rows", 120),
)


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed; on Debian it is in the package prometheus")
    return found


def _firing(alert: str = "") -> str:
    named = f'alertname="{alert}",' if alert else ""
    return f'group by (alertname) (ALERTS{{{named}alertstate="firing"}})'


def _check(promtool: str, folder: Path, recording: Recording, hold: int, expected: list[dict]):
    content = {
        "rule_files": [str(RULES)],
        "evaluation_interval": f"{INTERVAL_SECONDS}s",
        "tests": [
            {
                "interval": f"{INTERVAL_SECONDS}s",
                "input_series": recording.input_series(hold_seconds=hold),
                "promql_expr_test": expected,
            }
        ],
    }
    file = folder / "rules-test.yml"
    file.write_text(as_yaml(content), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", str(file)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]


def _expect(expr: str, at_seconds: int, *alerts: str) -> dict[str, object]:
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]
    return {"expr": expr, "eval_time": f"{at_seconds}s", "exp_samples": samples}


@pytest.mark.parametrize("proof", _PROOFS, ids=lambda proof: f"{proof.alert}-{proof.run}")
def test_it_fires_within_its_time_and_not_before_the_fault(promtool, tmp_path, proof):
    recording = Recording.read(proof.run)
    fault = recording.fault_at * INTERVAL_SECONDS
    expr = _firing(proof.alert)
    before = [] if proof.run in _FROM_THE_START else [_expect(expr, fault)]
    after = _expect(expr, fault + proof.within_seconds, proof.alert)
    _check(promtool, tmp_path, recording, proof.hold_seconds, [*before, after])


_FROM_THE_START = {"refused_rows"}
"""Runs whose fault is in the file, so that it is there from the first row."""


def test_none_fires_in_a_normal_run(promtool, tmp_path):
    recording = Recording.read("normal")
    times = range(0, recording.scrapes * INTERVAL_SECONDS, INTERVAL_SECONDS)
    _check(promtool, tmp_path, recording, 0, [_expect(_firing(), at) for at in times])


def test_every_alert_is_proved_and_every_run_is_recorded():
    assert {proof.alert for proof in _PROOFS} == set(_ALERTS)
    runs = {proof.run for proof in _PROOFS} | {"normal", "boards"}
    assert {path.stem for path in RECORDED.glob("*.json")} == runs


@pytest.mark.parametrize("alert", _ALERTS)
def test_it_leads_to_its_paragraph_in_the_runbook(alert):
    page, _, anchor = _ALERTS[alert]["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
    assert anchor in anchors
    assert anchor == f"alert-{alert.lower()}"


def test_the_rules_are_valid(promtool):
    done = subprocess.run(
        [promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
