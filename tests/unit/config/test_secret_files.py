"""Secrets come from files that `ISSUANCE_<NAME>_FILE` names; a message never shows one."""

from urllib.parse import unquote, urlsplit

import pytest
from pydantic import SecretStr

from config.settings import Settings, SettingsError
from config.settings_reader import SECRETS, read_settings

SECRET = "ann:hunter2 & 'more'"


@pytest.fixture
def give(monkeypatch):
    def give(**given):
        for name, value in given.items():
            monkeypatch.setenv(f"ISSUANCE_{name}", str(value))

    return give


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    return path


def problems():
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)
    return str(caught.value).splitlines()


def test_every_secret_setting_can_be_in_a_file():
    secret = {name for name, field in Settings.model_fields.items() if "Secret" in str(field)}
    assert secret == SECRETS


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_is_read_from_its_file_without_the_line_end(give, file, name):
    server = name.removesuffix("_password")
    if server in {"ledger", "broker", "redis"}:
        give(**{f"{server.upper()}_HOST": "server"})
    give(**{f"{name.upper()}_FILE": file})
    secret = _OTHER_FORMS.get(name, SECRET)
    file.write_text(f"{secret}\n")
    value = getattr(read_settings(), name)
    assert isinstance(value, SecretStr)
    assert value.get_secret_value() == secret


_OTHER_FORMS = {"dead_letter_webhook_secret": "whsec_aHVudGVyMiBodW50ZXIyIGh1bnRlcjIgaHVudGVyMg=="}


def test_a_password_in_a_file_reaches_the_url_as_it_is(give, file):
    give(LEDGER_HOST="db", LEDGER_USER="app", LEDGER_PASSWORD_FILE=file)
    url = urlsplit(read_settings().ledger_url)
    assert (url.username, unquote(url.password or ""), url.hostname) == ("app", SECRET, "db")


def test_a_real_api_has_its_password_from_a_file(give, file):
    give(API_URL="https://api.example", API_TILL="t", API_BRAND="B", API_PASSWORD_FILE=file)
    assert read_settings().api_password.get_secret_value() == SECRET


def test_the_env_file_may_name_it_too(file, tmp_path):
    (tmp_path / ".env").write_text(f"ISSUANCE_API_CLIENT_SECRET_FILE={file}\n")
    assert read_settings().api_client_secret.get_secret_value() == SECRET


def test_an_empty_name_is_no_file_and_an_empty_setting_is_not_given(give, file):
    give(FLOWER_BASIC_AUTH_FILE="", API_CLIENT_SECRET="", API_CLIENT_SECRET_FILE=file)
    settings = read_settings()
    assert settings.flower_basic_auth.get_secret_value() == ""
    assert settings.api_client_secret.get_secret_value() == SECRET


def test_a_secret_that_is_given_twice_is_refused(give, file):
    give(API_PASSWORD="hunter2", API_PASSWORD_FILE=file)
    assert problems() == [
        "ISSUANCE_API_PASSWORD_FILE: ISSUANCE_API_PASSWORD is set too: remove one of them"
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "FileNotFoundError"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hunter2\xff", "UnicodeDecodeError"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_remedy(give, tmp_path, content, problem):
    path = tmp_path / "it"
    if content is not None:
        path.write_bytes(content)
    give(API_PASSWORD_FILE=path)
    (line,) = problems()
    assert line.startswith(f"ISSUANCE_API_PASSWORD_FILE: {path} ")
    assert problem in line
    assert any(remedy in line for remedy in ("create the file", "write the secret into it"))


def test_every_file_that_cannot_be_used_has_its_own_line(give, tmp_path):
    give(API_PASSWORD_FILE=tmp_path, REDIS_PASSWORD_FILE="/absent")
    assert [line.partition(":")[0] for line in problems()] == [
        "ISSUANCE_API_PASSWORD_FILE",
        "ISSUANCE_REDIS_PASSWORD_FILE",
    ]


@pytest.mark.parametrize("name", ["WORKERS_FILE", "API_PASWORD_FILE", "_FILE"])
def test_only_secrets_have_files(give, file, name):
    give(**{name: file})
    assert problems() == [f"ISSUANCE_{name}: no such setting; see .env.example"]
