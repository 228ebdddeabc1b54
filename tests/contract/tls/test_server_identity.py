"""No client gives its password to a server that does not prove, by TLS, that it is the one."""

import pytest

from config.endpoints import Servers
from config.settings import SettingsError
from console.local.preflight import require_broker
from ledger.store.database import Ledger
from ledger.store.errors import LedgerAwayError, LedgerError
from tests.contract.tls.clients import CLIENTS
from tests.contract.tls.recording_server import PASSWORD


def test_a_server_with_a_trusted_certificate_for_its_name_gets_the_password(rig, client, connect):
    with rig.server(client) as server:
        connect(client, rig.settings(client, server, ca=rig.ca_file))
    assert PASSWORD.encode() in server.received


def test_a_certificate_of_an_unknown_authority_gets_nothing(rig, client, connect):
    with rig.server(client, trusted=False) as server:
        connect(client, rig.settings(client, server))
        connect(client, rig.settings(client, server, ca=rig.ca_file))
    assert server.connections >= 2
    assert server.received == b""


def test_a_trusted_certificate_for_another_name_gets_nothing(rig, client, connect):
    with rig.server(client, name="elsewhere.test") as server:
        connect(client, rig.settings(client, server, ca=rig.ca_file))
    assert server.connections
    assert server.received == b""


def test_a_server_that_asks_for_a_certificate_gets_the_one_in_the_settings(rig, client, connect):
    with rig.server(client, mutual=True) as server:
        connect(client, rig.settings(client, server, ca=rig.ca_file))
    assert server.received == b""
    with rig.server(client, mutual=True) as server:
        settings = rig.settings(
            client, server, ca=rig.ca_file, cert=rig.client_file, key=rig.client_file
        )
        connect(client, settings)
    assert PASSWORD.encode() in server.received


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("limits", "?ssl_cert_reqs=none"),
        ("limits of commands", "?ssl_cert_reqs=none"),
        ("redis broker", "?ssl_cert_reqs=none"),
        ("rabbitmq", "?ssl_cert_reqs=none"),
        ("ledger", "?sslmode=require"),
    ],
)
def test_a_url_may_say_that_the_server_is_not_verified(rig, connect, name, query):
    client = CLIENTS[name]
    with rig.server(client, name="elsewhere.test", trusted=False) as server:
        connect(client, rig.settings(client, server, query))
    assert PASSWORD.encode() in server.received


@pytest.mark.parametrize("name", ["limits", "redis broker", "rabbitmq"])
def test_a_url_may_say_that_the_name_is_not_verified(rig, connect, name):
    client = CLIENTS[name]
    with rig.server(client, name="elsewhere.test") as server:
        query = "?ssl_check_hostname=false"
        connect(client, rig.settings(client, server, query, ca=rig.ca_file))
    assert PASSWORD.encode() in server.received


@pytest.mark.parametrize("name", ["redis broker at the start", "rabbitmq at the start"])
def test_a_process_that_cannot_trust_its_broker_says_what_to_set(rig, name):
    client = CLIENTS[name]
    with rig.server(client, trusted=False) as server:
        settings = rig.settings(client, server)
        with pytest.raises(SettingsError, match="its authority in ISSUANCE_BROKER_TLS_CA"):
            require_broker(settings, Servers.of(settings), wait_seconds=0)


@pytest.mark.parametrize("mistake", [{"trusted": False}, {"name": "elsewhere.test"}])
def test_a_ledger_that_cannot_be_trusted_is_no_outage_and_says_what_to_set(rig, mistake):
    client = CLIENTS["ledger"]
    with rig.server(client, **mistake) as server:
        settings = rig.settings(client, server, ca=rig.ca_file)
        with (
            Ledger(settings.ledger_url) as ledger,
            pytest.raises(LedgerError, match="its authority in ISSUANCE_LEDGER_TLS_CA") as caught,
        ):
            ledger.check_schema()
    assert not isinstance(caught.value, LedgerAwayError)
    assert PASSWORD not in str(caught.value)
