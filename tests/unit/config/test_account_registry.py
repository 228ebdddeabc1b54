"""The registry reads accounts again when their file or a secret changes, and never loses one."""

from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from config.account_registry import AccountRegistry
from config.settings import SettingsError

ENTRY = """
[accounts.{name}]
url = "https://{name}.test"
till = "till"
brand = "B"
password_file = "{name}.secret"
"""


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "north.secret").write_text("one")
    (tmp_path / "accounts.toml").write_text(ENTRY.format(name="north"))
    return tmp_path


@pytest.fixture
def registry(folder, clock):
    return AccountRegistry(folder / "accounts.toml", None, clock)


def password(registry):
    return registry.get("north").secret.get_secret_value()


def test_a_rotated_secret_is_read_within_a_second(registry, folder, clock):
    (folder / "north.secret").write_text("another")
    assert password(registry) == "one"
    clock.now += 1
    with capture_logs() as entries:
        assert password(registry) == "another"
    assert [(each["event"], each["changed"]) for each in entries] == [("accounts_read", ["north"])]


def test_a_replaced_secret_of_the_same_length_is_read(registry, folder, clock):
    (folder / "new").write_text("two")
    (folder / "new").replace(folder / "north.secret")  # as a mounted secret changes
    clock.now += 1
    assert password(registry) == "two"


def test_an_unchanged_file_is_not_read_again(registry, clock, monkeypatch):
    monkeypatch.setattr("config.account_registry.read_accounts_file", None)
    clock.now += 100
    assert password(registry) == "one"


def test_a_new_account_is_found_and_a_removed_one_is_gone(registry, folder, clock):
    (folder / "south.secret").write_text("two")
    (folder / "accounts.toml").write_text(ENTRY.format(name="south"))
    clock.now += 1
    assert set(registry.all()) == {"south"}
    assert registry.find("north") is None


def test_a_broken_file_keeps_the_accounts_and_is_reported_once(registry, folder, clock):
    (folder / "accounts.toml").write_text("[accounts.north")
    with capture_logs() as entries:
        for _ in range(3):
            clock.now += 1
            assert password(registry) == "one"
    assert [each["event"] for each in entries] == ["accounts_file_refused"]
    assert "it is not TOML" in registry.problem
    (folder / "accounts.toml").unlink()
    clock.now += 1
    assert password(registry) == "one"
    assert "cannot be read" in registry.problem
    (folder / "accounts.toml").write_text(ENTRY.format(name="north"))
    clock.now += 1
    assert password(registry) == "one"
    assert registry.problem == ""


def test_a_secret_that_comes_after_its_account_is_found(registry, folder, clock):
    both = ENTRY.format(name="north") + ENTRY.format(name="south")
    (folder / "accounts.toml").write_text(both)
    clock.now += 1
    assert set(registry.all()) == {"north"}
    assert "south.password_file" in registry.problem
    (folder / "south.secret").write_text("two")
    clock.now += 1
    assert set(registry.all()) == {"north", "south"}


def test_a_process_does_not_start_with_a_broken_file(folder):
    (folder / "accounts.toml").write_text("[accounts.north")
    with pytest.raises(SettingsError, match="not TOML"):
        AccountRegistry(folder / "accounts.toml", None)
