"""Kubernetes adds variables for Services named issuance-…: they are no settings of ours."""

import pytest

from config.settings import SettingsError, ignored_links
from config.settings_reader import read_settings


def links(service, port, *, protocol="tcp", named=""):
    """Make the variables that the kubelet sets for a Service."""
    base, address = f"{service}_PORT_{port}_{protocol.upper()}", f"{protocol}://10.0.0.1:{port}"
    return {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": str(port),
        **({f"{service}_SERVICE_PORT_{named}": str(port)} if named else {}),
        f"{service}_PORT": address,
        base: address,
        f"{base}_PROTO": protocol,
        f"{base}_PORT": str(port),
        f"{base}_ADDR": "10.0.0.1",
    }


@pytest.fixture
def give(monkeypatch):
    def give(given):
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    return give


@pytest.mark.parametrize(
    "service", ["ISSUANCE", "ISSUANCE_FLOWER", "ISSUANCE_HEALTH", "ISSUANCE_LEDGER_DB"]
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_the_links_of_a_service_are_ignored(give, service, protocol):
    given = links(service, 5555, protocol=protocol, named="HTTP_API")
    give(given)
    settings = read_settings()
    assert (settings.flower_port, settings.health_port) == (5555, 5556)
    assert ignored_links() == sorted(given)


def test_a_setting_of_the_file_below_a_link_is_used(give, tmp_path):
    (tmp_path / ".env").write_text("ISSUANCE_FLOWER_PORT=7000\n")
    give(links("ISSUANCE_FLOWER", 5555))
    assert read_settings().flower_port == 7000


def test_settings_next_to_a_link_are_read(give):
    give(links("ISSUANCE_FLOWER", 5555) | {"ISSUANCE_HEALTH_PORT": "7001"})
    assert read_settings().health_port == 7001


@pytest.mark.parametrize(
    "given",
    [
        {"ISSUANCE_FLOWER_SERVICE_HOST": "10.0.0.1"},
        {"ISSUANCE_REDIS_PORT": "6379"},
        {"ISSUANCE_REDIS_PORT": "tcp://"},
        links("ISSUANCE_FLOWER", 5555) | {"ISSUANCE_FLOWER_SERVICE": "x"},
        links("ISSUANCE_FLOWER", 5555) | {"ISSUANCE_REDIS_SERVICE_HOST": "10.0.0.1"},
    ],
)
def test_a_typing_error_is_still_refused(give, given):
    give(given)
    with pytest.raises(SettingsError, match="no such setting"):
        read_settings()


def test_an_address_as_a_port_in_the_file_is_refused(tmp_path):
    (tmp_path / ".env").write_text("ISSUANCE_FLOWER_PORT=tcp://10.0.0.1:5555\n")
    with pytest.raises(SettingsError, match="ISSUANCE_FLOWER_PORT"):
        read_settings()


def test_an_address_in_the_file_is_a_typing_error(tmp_path):
    (tmp_path / ".env").write_text("ISSUANCE_REDIS_PORT=tcp://10.0.0.1:6379\n")
    with pytest.raises(SettingsError, match="no such setting"):
        read_settings()
