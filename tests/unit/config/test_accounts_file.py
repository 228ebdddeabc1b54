"""The accounts file: what it may hold, and an error that names account, key and remedy."""

from pathlib import Path

import pytest
import trustme

from config import accounts_file
from config.account_registry import AccountRegistry
from config.accounts import Account, AccountError
from config.accounts_file import read_accounts_file
from config.settings import Settings, SettingsError
from config.tls import TlsFiles
from issuance.data_scope import ScopeKind
from issuance.endpoint import Variant

ROOT = Path(__file__).parents[3]
WHOLE = """
[accounts.north]
url = "https://north.example.test/"
variant = "connected"
auth = "oauth"
till = "north.till"
client_key = "north-key"
client_secret_file = "north.secret"
brand = "NORTH"
data_scope = "OTHER"
own_org = 4001
rate_per_minute = 600
time_zone = "Asia/Kolkata"
country = "IN"
email_key = "emailId"
group_keys = "snake"

[accounts.south]
url = "http://127.0.0.1:1"
till = "south.till"
password_env = "SOUTH_PASSWORD"
brand = "SOUTH"
"""
PLAIN = 'url = "https://a.test"\ntill = "t"\nbrand = "B"\n'


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setenv("SOUTH_PASSWORD", "from the environment")
    (tmp_path / "north.secret").write_text("from a file\n")
    (tmp_path / "empty.secret").write_text("\n")

    def write(text):
        path = tmp_path / "accounts.toml"
        path.write_text(text)
        return path

    return write


def test_every_key_is_read_and_secrets_come_from_file_and_environment(write):
    accounts = read_accounts_file(write(WHOLE)).accounts
    north, south = accounts["north"], accounts["south"]
    assert (north.url, north.host) == ("https://north.example.test", "north.example.test")
    assert (north.variant, north.auth, north.client_key) == (
        Variant.CONNECTED,
        "oauth",
        "north-key",
    )
    assert north.secret.get_secret_value() == "from a file"
    assert (north.data_scope, north.own_org, north.brand) == (ScopeKind.OTHER, "4001", "NORTH")
    assert (north.rate_per_minute, north.time_zone) == (600, "Asia/Kolkata")
    assert (north.country, south.country) == ("IN", "")
    assert (north.body_email_key, north.group_keys) == ("emailId", "snake")
    assert south.secret.get_secret_value() == "from the environment"
    assert (south.variant, south.rate_per_minute, south.time_zone) == (Variant.BULK, 100, "UTC")
    assert "from" not in repr(north) + repr(south)


REFUSED = {
    "an inline password": (
        f'[accounts.a]\n{PLAIN}password = "hunter2"',
        ["a.password", "must not be in this file", "password_file"],
    ),
    "an inline client secret": (
        f'[accounts.a]\n{PLAIN}client_secret = "hunter2"',
        ["a.client_secret", "client_secret_file"],
    ),
    "no secret": (f"[accounts.a]\n{PLAIN}", ["a.password_file", "give one of"]),
    "two secrets": (
        f'[accounts.a]\n{PLAIN}password_file = "x"\npassword_env = "Y"',
        ["a.password_file", "both are given"],
    ),
    "a missing secret file": (
        f'[accounts.a]\n{PLAIN}password_file = "none"',
        ["a.password_file", "cannot be read", "create the file"],
    ),
    "an empty secret file": (
        f'[accounts.a]\n{PLAIN}password_file = "empty.secret"',
        ["a.password_file", "is empty"],
    ),
    "an unset variable": (
        f'[accounts.a]\n{PLAIN}password_env = "NOT_SET_AT_ALL"',
        ["a.password_env", "NOT_SET_AT_ALL is not set"],
    ),
    "an unknown key": (f'[accounts.a]\n{PLAIN}tilll = "x"', ["a.tilll", "no such key", "till"]),
    "a missing key": ('[accounts.a]\nurl = "https://a.test"', ["a.till: it is missing", "a.brand"]),
    "a wrong type": (
        f'[accounts.a]\n{PLAIN}rate_per_minute = "many"\npassword_file = "north.secret"',
        ["a.rate_per_minute"],
    ),
    "credentials in the URL": (
        '[accounts.a]\nurl = "https://me:hunter2@a.test"\ntill = "t"\nbrand = "B"',
        ["a.url", "must not carry credentials"],
    ),
    "an unknown zone": (
        f'[accounts.a]\n{PLAIN}time_zone = "Mars/Base"',
        ["a.time_zone", "IANA name"],
    ),
    "the settings' name": (f"[accounts.default]\n{PLAIN}", ["default", "another name"]),
    "an odd name": (f'[accounts."A B"]\n{PLAIN}', ["A B", "rename the account"]),
    "another table": ("[account.a]\n", ["account: unknown", "[accounts.NAME]"]),
    "no TOML": ("[accounts.a\n", ["it is not TOML", "line 1"]),
    "the other way's secret": (
        f'[accounts.a]\n{PLAIN}password_file = "north.secret"\nclient_secret_env = "X"',
        ["a.client_secret_file", "does not use it"],
    ),
}


@pytest.mark.parametrize(("text", "shown"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_file_is_refused_with_account_key_and_remedy(write, text, shown):
    with pytest.raises(SettingsError) as refused:
        read_accounts_file(write(text))
    for part in shown:
        assert part in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_every_fault_of_every_account_is_listed(write):
    with pytest.raises(SettingsError) as refused:
        read_accounts_file(write("[accounts.a]\n[accounts.b]\n"))
    assert {"a.url", "b.url", "a.brand", "b.brand"} <= {
        line.split(": ")[1] for line in str(refused.value).splitlines()
    }


def test_one_api_account_under_two_names_has_one_rate_and_one_secret(write):
    def registry(second):
        entry = f'{PLAIN}password_file = "north.secret"\n'
        return AccountRegistry(write(f"[accounts.a]\n{entry}[accounts.b]\n{second}"), None)

    entry = 'url = "https://A.test"\ntill = "t"\nbrand = "OTHER"\n'
    assert set(registry(f'{entry}password_file = "north.secret"').all()) == {"a", "b"}
    with pytest.raises(SettingsError, match="b and a are the same API account, which has one rate"):
        registry(f'{entry}password_file = "north.secret"\nrate_per_minute = 7')
    with pytest.raises(SettingsError, match="their secrets differ"):
        registry(f'{entry}password_env = "SOUTH_PASSWORD"')


def test_a_missing_account_is_an_error_that_lists_the_others(write):
    registry = AccountRegistry(write(WHOLE), None)
    with pytest.raises(AccountError, match=r"no account east .* it has north, south: add it to"):
        registry.get("east")
    with pytest.raises(AccountError, match=r"No account was given, .* one of north, south"):
        registry.get()
    alone = AccountRegistry(None, Account.of_settings(Settings(_env_file=None)))
    with pytest.raises(AccountError, match="set ISSUANCE_ACCOUNTS_FILE"):
        alone.get("east")


def test_the_sample_has_every_key_and_is_accepted_with_its_secrets(tmp_path, monkeypatch):
    sample = (ROOT / "samples/accounts.toml").read_text()
    (tmp_path / "accounts.toml").write_text(sample)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/north-till").write_text("one")
    monkeypatch.setenv("GROUP_CLIENT_SECRET", "two")
    accounts = read_accounts_file(tmp_path / "accounts.toml").accounts
    assert (accounts["north"].brand, accounts["group"].own_org) == ("NORTH", "4001")
    documented = (ROOT / "docs/how-to/several-accounts.md").read_text()
    assert [key for key in accounts_file._Entry.model_fields if f"`{key}`" not in documented] == []


def test_plain_http_to_another_machine_needs_the_hosts_name_in_the_accounts_table(write):
    text = f"[accounts.a]\n{PLAIN}password_env = 'SOUTH_PASSWORD'\n".replace("https:", "http:")
    with pytest.raises(
        SettingsError, match=r"a\.url: http:// would .* a\.test unencrypted"
    ) as said:
        read_accounts_file(write(text))
    assert 'plain_http_host = "HOST"' in str(said.value)
    with pytest.raises(SettingsError, match="unencrypted"):
        read_accounts_file(write(f'{text}plain_http_host = "b.test"\n'))
    accounts = read_accounts_file(write(f'{text}plain_http_host = "a.test"\n')).accounts
    assert accounts["a"].url == "http://a.test"


def test_files_of_tls_are_relative_to_the_accounts_file_and_checked(write, tmp_path):
    text = f"[accounts.a]\n{PLAIN}password_env = 'SOUTH_PASSWORD'\n"
    blob = trustme.CA().issue_cert("us.test")
    blob.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "us.pem"))
    files = "tls_ca = 'us.pem'\ntls_cert = 'us.pem'\ntls_key = 'us.pem'\n"
    us = str(tmp_path / "us.pem")
    accounts = read_accounts_file(write(text + files)).accounts
    assert accounts["a"].tls == TlsFiles(us, us, us)
    with pytest.raises(SettingsError, match=r"a\.tls_ca: .*absent\.pem cannot be used"):
        read_accounts_file(write(f"{text}tls_ca = 'absent.pem'\n"))
    with pytest.raises(SettingsError, match=r"a\.tls_key: there is no certificate for it"):
        read_accounts_file(write(f"{text}tls_key = 'us.pem'\n"))
