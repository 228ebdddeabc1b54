"""The compose profile `monitoring`: its files fit each other and the health process."""

import re
import shutil
import subprocess
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
MONITORING = ("prometheus", "alertmanager", "grafana")


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_the_profile_is_off_by_default_and_reaches_only_the_health_process():
    for name in MONITORING:
        assert SERVICES[name]["profiles"] == ["monitoring"]
        assert SERVICES[name]["networks"] == ["monitoring"]
    others = {name for name, each in SERVICES.items() if "monitoring" in each["networks"]}
    assert others == {*MONITORING, "health"}


def test_the_health_process_lets_exactly_that_network_read_the_metrics():
    (config,) = COMPOSE["networks"]["monitoring"]["ipam"]["config"]
    assert SERVICES["health"]["environment"]["ISSUANCE_METRICS_NETWORKS"] == config["subnet"]
    default = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", config["subnet"])
    assert ip_network(default).is_private


def test_every_mounted_file_exists_and_every_target_is_a_service():
    for name in MONITORING:
        for volume in SERVICES[name]["volumes"]:
            source = volume.split(":")[0]
            assert (
                (ROOT / source).is_dir() if source.startswith(".") else source in COMPOSE["volumes"]
            )
    prometheus = read("deploy/prometheus/prometheus.yml")
    targets = [
        target
        for job in (*prometheus["scrape_configs"], *prometheus["alerting"]["alertmanagers"])
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    assert targets == ["health:5556", "health:5556", "alertmanager:9093"]
    assert SERVICES["health"]["environment"]["ISSUANCE_HEALTH_PORT"] == "5556"
    (source,) = read("deploy/grafana/provisioning/datasources/issuance.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = read("deploy/grafana/provisioning/dashboards/issuance.yml")["providers"]
    assert any(provider["options"]["path"] in each for each in SERVICES["grafana"]["volumes"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_configuration():
    found = subprocess.run(
        ["promtool", "check", "config", ROOT / "deploy/prometheus/prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
