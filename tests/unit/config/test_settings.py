"""Settings come from the environment and `.env`; an error names the setting and the remedy."""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from config.settings import TLS_PARTS, SettingsError
from config.settings_reader import read_settings
from issuance.endpoint import Variant

WRONG = {
    "a number that is none": ({"WORKERS": "many"}, "ISSUANCE_WORKERS", "valid integer"),
    "too few workers": ({"WORKERS": "0"}, "ISSUANCE_WORKERS", "greater than or equal to 1"),
    "a rate below zero": (
        {"API_RATE_PER_MINUTE": "-1"},
        "ISSUANCE_API_RATE_PER_MINUTE",
        "greater than or equal to 0",
    ),
    "an endless lease": ({"LEASE_SECONDS": "inf"}, "ISSUANCE_LEASE_SECONDS", "finite"),
    "an endless backoff": ({"RETRY_CAP_SECONDS": "inf"}, "ISSUANCE_RETRY_CAP_SECONDS", "finite"),
    "a negative delay": (
        {"RECONCILE_DELAYS_SECONDS": "30,-1"},
        "ISSUANCE_RECONCILE_DELAYS_SECONDS",
        "0 or more",
    ),
    "no attempt": (
        {"RETRY_MAX_ATTEMPTS": "0"},
        "ISSUANCE_RETRY_MAX_ATTEMPTS",
        "greater than or equal to 1",
    ),
    "an unknown endpoint": (
        {"API_VARIANT": "many"},
        "ISSUANCE_API_VARIANT",
        "'single', 'bulk' or 'connected'",
    ),
    "an unknown way to authenticate": (
        {"API_AUTH": "digest"},
        "ISSUANCE_API_AUTH",
        "'basic' or 'oauth'",
    ),
    "no brand": ({"API_BRAND": ""}, "ISSUANCE_API_BRAND", "must not be empty"),
    "no till": ({"API_TILL": " "}, "ISSUANCE_API_TILL", "must not be empty"),
    "no password": ({"API_PASSWORD": ""}, "ISSUANCE_API_PASSWORD", "must not be empty"),
    "a home of an unknown user": ({"HOME": "~no-such-user/x"}, "ISSUANCE_HOME", "home folder"),
    "a number that is left out": ({"WORKERS": ""}, "ISSUANCE_WORKERS", "valid integer"),
    "an API that is not HTTP": (
        {"API_URL": "ftp://x"},
        "ISSUANCE_API_URL",
        "must start with http:// or https://",
    ),
    "an unknown broker": (
        {"BROKER_URL": "sqs://x"},
        "ISSUANCE_BROKER_URL",
        "redis:// or rediss:// or amqp://",
    ),
    "limits outside Redis": (
        {"REDIS_URL": "memcached://x"},
        "ISSUANCE_REDIS_URL",
        "redis:// or rediss://",
    ),
    "an unknown database": ({"LEDGER_URL": "mysql://x"}, "ISSUANCE_LEDGER_URL", "postgresql://"),
    "a webhook that is no URL": (
        {"DEAD_LETTER_WEBHOOK_URL": "x"},
        "ISSUANCE_DEAD_LETTER_WEBHOOK_URL",
        "http://",
    ),
    "a webhook's secret of another form": (
        {"DEAD_LETTER_WEBHOOK_SECRET": "my-password"},
        "ISSUANCE_DEAD_LETTER_WEBHOOK_SECRET",
        "whsec_ and base64",
    ),
    "an unknown level": ({"LOG_LEVEL": "LOUD"}, "ISSUANCE_LOG_LEVEL", "'WARNING'"),
    "OAuth without its keys": (
        {"API_AUTH": "oauth"},
        "ISSUANCE_API_AUTH",
        "needs ISSUANCE_API_CLIENT_KEY",
    ),
    "another scope without its organisation": (
        {"API_DATA_SCOPE": "OTHER"},
        "ISSUANCE_API_DATA_SCOPE",
        "needs ISSUANCE_API_DATA_SCOPE_ORG",
    ),
    "a lease that a call outlives": (
        {"LEASE_SECONDS": "31", "API_TIMEOUT_SECONDS": "30"},
        "ISSUANCE_LEASE_SECONDS",
        "raise ISSUANCE_LEASE_SECONDS or lower ISSUANCE_API_TIMEOUT_SECONDS",
    ),
    "a backoff that begins above its cap": (
        {"RETRY_BASE_SECONDS": "20", "RETRY_CAP_SECONDS": "10"},
        "ISSUANCE_RETRY_BASE_SECONDS",
        "lower the first",
    ),
    "a lease that RabbitMQ's consumer_timeout ends": (
        {"BROKER_URL": "amqp://x", "REDIS_URL": "redis://x", "LEASE_SECONDS": "600"},
        "ISSUANCE_LEASE_SECONDS",
        "lower ISSUANCE_LEASE_SECONDS to 590 or less",
    ),
    "RabbitMQ without Redis": (
        {"BROKER_URL": "amqp://x"},
        "ISSUANCE_BROKER_URL",
        "set ISSUANCE_REDIS_URL",
    ),
}


def _set(monkeypatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"ISSUANCE_{name}", value)


@pytest.mark.parametrize(("given", "name", "remedy"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_ends_with_its_name_and_the_remedy(monkeypatch, given, name, remedy):
    _set(monkeypatch, **given)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(name)
    assert remedy in line


def test_every_wrong_setting_has_its_own_line(monkeypatch):
    _set(monkeypatch, WORKERS="0", API_URL="x")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert len(str(caught.value).splitlines()) == 2


def test_an_error_does_not_show_the_value_which_may_be_a_secret(monkeypatch):
    _set(monkeypatch, BROKER_URL="redi://:hunter2@broker", FLOWER_BASIC_AUTH="a:hunter2")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["ISSUANCE_API_RATE_PER_SECOND", "ISSUANCE_", "issuance_workerz"])
def test_an_unknown_variable_is_refused_because_it_is_a_typing_error(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=f"{name}: no such setting; see .env.example"):
        read_settings()


def test_an_unknown_name_in_the_file_is_refused_too(tmp_path: Path):
    (tmp_path / ".env").write_text("ISSUANCE_LEASE=10\nOTHER_PROGRAMS=fine\n")
    with pytest.raises(SettingsError, match="ISSUANCE_LEASE: no such setting"):
        read_settings()


def test_variables_of_the_tests_are_not_settings(monkeypatch):
    monkeypatch.setenv("ISSUANCE_TEST_POSTGRES_URL", "postgresql://x")
    assert read_settings().ledger_url == ""


def test_the_environment_overrides_the_file(monkeypatch, tmp_path: Path):
    (tmp_path / ".env").write_text("ISSUANCE_WORKERS=3\nISSUANCE_API_BRAND=FILE\n")
    _set(monkeypatch, WORKERS="4")
    settings = read_settings()
    assert (settings.workers, settings.api_brand) == (4, "FILE")


def test_words_are_read_in_any_case(monkeypatch):
    _set(monkeypatch, API_VARIANT="Single", API_AUTH="BASIC")
    settings = read_settings()
    assert settings.api_variant is Variant.SINGLE
    assert settings.email_key == "emailId"


REAL = "https://eu.api.example.test"
OAUTH = {"API_AUTH": "oauth", "API_CLIENT_KEY": "k", "API_CLIENT_SECRET": "s"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "ISSUANCE_API_TILL, ISSUANCE_API_BRAND, ISSUANCE_API_PASSWORD are not set"),
        ({"API_TILL": "t", "API_BRAND": "B"}, "ISSUANCE_API_PASSWORD is not set"),
        ({"API_TILL": "t", "API_PASSWORD": "p"}, "ISSUANCE_API_BRAND is not set"),
        (OAUTH, "ISSUANCE_API_TILL, ISSUANCE_API_BRAND are not set"),
    ],
)
def test_a_real_api_is_never_called_with_the_simulators_credentials(monkeypatch, given, named):
    _set(monkeypatch, API_URL=REAL, **given)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert named in str(caught.value)


@pytest.mark.parametrize("given", [{"API_PASSWORD": "p"}, OAUTH])
def test_a_real_api_with_its_own_credentials_is_accepted(monkeypatch, given):
    _set(monkeypatch, API_URL=REAL, API_TILL="t", API_BRAND="B", **given)
    assert read_settings().api_url == REAL


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080", "simulator:8080"])
def test_a_simulator_is_called_with_the_credentials_it_knows(monkeypatch, host):
    _set(monkeypatch, API_URL=f"http://{host}", API_PLAIN_HTTP_HOST="simulator")
    assert read_settings().api_till == "demo.till"


@pytest.mark.parametrize(
    "host", ["127.0.0.1.example.test", "localhost.example.test", "10.0.0.1", "simulator.test"]
)
def test_a_host_that_only_looks_like_the_simulator_is_a_real_api(monkeypatch, host):
    _set(monkeypatch, API_URL=f"https://{host}")
    with pytest.raises(SettingsError, match="names a real API"):
        read_settings()


PLAIN = {"API_TILL": "t", "API_BRAND": "B", "API_PASSWORD": "p"}


@pytest.mark.parametrize("name", ["API", "DEAD_LETTER_WEBHOOK"])
@pytest.mark.parametrize(
    "host", ["api.test", "10.0.0.1:80", "0.0.0.0", "127.0.0.1.test", "localhost.test", "[fd00::1]"]
)
def test_plain_http_to_another_machine_is_refused_and_the_remedy_is_said(monkeypatch, name, host):
    _set(monkeypatch, **PLAIN, **{f"{name}_URL": f"http://{host}/x"})
    with pytest.raises(SettingsError) as caught:
        read_settings()
    said = str(caught.value)
    assert said.startswith(f"ISSUANCE_{name}_URL: http:// would send everything to ")
    assert f"ISSUANCE_{name}_PLAIN_HTTP_HOST=HOST" in said


@pytest.mark.parametrize("name", ["API", "DEAD_LETTER_WEBHOOK"])
@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.test", ""),
        ("http://127.0.0.1:1", ""),
        ("http://LOCALHOST:1", ""),
        ("http://hooks.localhost", ""),
        ("http://[::1]", ""),
        ("http://Gateway.test:80/x", "gateway.TEST"),
    ],
)
def test_https_loopback_and_the_host_that_a_setting_names_are_allowed(
    monkeypatch, name, url, allowed
):
    given = {f"{name}_URL": url, f"{name}_PLAIN_HTTP_HOST": allowed}
    _set(monkeypatch, **PLAIN, **given)
    read_settings()


def test_a_host_that_is_allowed_for_one_part_is_not_allowed_for_another(monkeypatch):
    _set(monkeypatch, API_PLAIN_HTTP_HOST="a.test", DEAD_LETTER_WEBHOOK_URL="http://a.test")
    with pytest.raises(SettingsError, match="ISSUANCE_DEAD_LETTER_WEBHOOK_URL"):
        read_settings()


@pytest.mark.parametrize("part", TLS_PARTS)
def test_a_tls_file_that_cannot_be_used_is_refused_by_the_settings_name(
    monkeypatch, tmp_path, part
):
    servers = {
        "BROKER_URL": "rediss://h",
        "REDIS_URL": "rediss://h",
        "LEDGER_URL": "postgresql://h/x",
    }
    empty = tmp_path / "empty.pem"
    empty.touch()
    name = part.upper()
    for given, said in (
        ({"CA": "/absent.pem"}, f"{name}_TLS_CA: /absent.pem cannot be used"),
        ({"CA": str(empty)}, f"{name}_TLS_CA: {empty} cannot be used"),
        ({"CERT": str(empty)}, f"{name}_TLS_CERT: {empty} with the key in it cannot be used"),
        (
            {"KEY": str(empty)},
            f"{name}_TLS_KEY: there is no certificate for it: set {name}_TLS_CERT",
        ),
    ):
        with monkeypatch.context() as patch:
            _set(patch, **servers, **{f"{name}_TLS_{file}": path for file, path in given.items()})
            with pytest.raises(SettingsError) as caught:
                read_settings()
        assert said in str(caught.value)


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(monkeypatch, tmp_path):
    blob = trustme.CA().issue_cert("us.test")
    key = serialization.load_pem_private_key(blob.private_key_pem.bytes(), password=None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"hush"),
    )
    (tmp_path / "us.pem").write_bytes(blob.cert_chain_pems[0].bytes())
    (tmp_path / "us.key").write_bytes(encrypted)
    _set(monkeypatch, API_TLS_CERT=str(tmp_path / "us.pem"), API_TLS_KEY=str(tmp_path / "us.key"))
    with pytest.raises(SettingsError, match="the key without a passphrase"):
        read_settings()


@pytest.mark.parametrize(
    "name", ["API_URL", "BROKER_URL", "REDIS_URL", "LEDGER_URL", "RECONCILE_DELAYS_SECONDS"]
)
def test_an_empty_value_that_is_documented_means_not_set(monkeypatch, name):
    _set(monkeypatch, **{name: ""})
    assert not getattr(read_settings(), name.lower())


def test_the_last_call_to_start_ends_and_is_recorded_within_the_lease():
    settings = read_settings()
    assert settings.call_window_seconds + settings.api_timeout_seconds < settings.lease_seconds
    assert settings.lease_seconds * 2 < settings.visibility_timeout_seconds


def test_the_settings_repr_shows_no_secret(monkeypatch):
    _set(
        monkeypatch,
        API_PASSWORD="hunter2",
        FLOWER_BASIC_AUTH="a:hunter2",
        API_CLIENT_SECRET="hunter2",
    )
    assert "hunter2" not in repr(read_settings())


def test_the_old_name_of_a_setting_still_sets_it(monkeypatch):
    _set(monkeypatch, LOOK_UP_LAGS_SECONDS="1,2")
    assert read_settings().reconcile_delays_seconds == (1.0, 2.0)


def test_the_new_name_of_a_setting_wins_over_the_old_one(monkeypatch):
    _set(monkeypatch, LOOK_UP_LAGS_SECONDS="1,2", RECONCILE_DELAYS_SECONDS="3")
    assert read_settings().reconcile_delays_seconds == (3.0,)


def test_a_wrong_value_under_the_old_name_is_refused(monkeypatch):
    _set(monkeypatch, LOOK_UP_LAGS_SECONDS="soon")
    with pytest.raises(SettingsError, match="ISSUANCE_RECONCILE_DELAYS_SECONDS"):
        read_settings()
