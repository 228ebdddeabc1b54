"""The account: checked when it is built, and named without secrets."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from config.settings import Settings
from rewards_api.account import ApiAccount

ACCOUNT = ApiAccount("https://eu.api.example.com", "demo.till", password=SecretStr("pass-word"))


@pytest.mark.parametrize("url", ["", "eu.api.example.com", "ftp://eu.api.example.com", "https://"])
def test_a_base_url_that_cannot_be_called_is_refused_with_the_remedy(url):
    with pytest.raises(ValueError, match="ISSUANCE_API_URL"):
        ApiAccount(url, "demo.till")


@pytest.mark.parametrize(
    "url", ["https://user:secret@example.com", "https://example.com/?a=1", "https://example.com/#a"]
)
def test_a_base_url_with_credentials_or_a_query_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match="must not carry") as caught:
        ApiAccount(url, "demo.till")
    assert "secret@" not in str(caught.value)


def test_the_name_is_the_same_in_every_process():
    assert ACCOUNT.name == "0e4311aa4cf7"


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://us.api.example.com"},
        {"base_url": "https://eu.api.example.com:8443"},
        {"till": "other.till"},
        {"auth": "oauth", "client_key": "k"},
    ],
)
def test_another_host_or_identity_has_another_name(change):
    assert replace(ACCOUNT, **change).name != ACCOUNT.name


@pytest.mark.parametrize(
    "change", [{"password": SecretStr("new")}, {"timeout_seconds": 1.0}, {"data_scope": "OTHER"}]
)
def test_other_settings_do_not_change_the_name(change):
    assert replace(ACCOUNT, **change).name == ACCOUNT.name


def test_neither_name_nor_repr_shows_a_secret():
    account = replace(ACCOUNT, auth="oauth", client_key="key", client_secret=SecretStr("hidden"))
    assert "hidden" not in repr(account)
    assert "pass-word" not in repr(account)


def test_the_settings_become_the_account():
    settings = Settings(
        _env_file=None,
        api_url="http://127.0.0.1:8080/",
        api_auth="oauth",
        api_till="t",
        api_client_key="k",
        api_client_secret="s",
        api_data_scope="OTHER",
        api_data_scope_org="7",
        api_timeout_seconds=9,
        api_connect_timeout_seconds=2,
        api_max_concurrent=3,
    )
    account = ApiAccount.from_settings(settings)
    assert account == ApiAccount(
        base_url="http://127.0.0.1:8080",
        till="t",
        auth="oauth",
        password=SecretStr("demo"),
        client_key="k",
        client_secret=SecretStr("s"),
        data_scope="OTHER",
        data_scope_org="7",
        timeout_seconds=9,
        connect_timeout_seconds=2,
        max_concurrent=3,
    )


def test_paths_follow_the_base_urls_own_path():
    assert replace(ACCOUNT, base_url="https://gate.example.com/rewards/").url("/v3/x") == (
        "https://gate.example.com/rewards/v3/x"
    )
