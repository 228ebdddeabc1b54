"""Authorities and certificates, made for each run."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from config.settings import Settings
from tests.contract.tls.clients import CLIENTS, Client
from tests.contract.tls.recording_server import RecordingServer


class Rig:
    """An authority, and servers with certificates of it or of another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca, self.other_ca = trustme.CA(), trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)
        self.client_file = str(folder / "client.pem")
        self.ca.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(
            self.client_file
        )
        Path(self.client_file).chmod(0o600)

    def host(self, client: Client) -> str:
        """The host that the server's right certificate is for: this machine, under any name.

        The ledger's is an address that is not a loopback one, so that nothing is taken for local.
        """
        return "0.0.0.0" if client.part == "ledger" else "localhost"  # to connect to

    @contextmanager
    def server(
        self, client: Client, *, name: str = "", trusted: bool = True, mutual: bool = False
    ) -> Iterator[RecordingServer]:
        """Run a server with a certificate for this name; "": the right one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority = self.ca if trusted else self.other_ca
        authority.issue_cert(name or self.host(client)).configure_cert(context)
        if mutual:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        with RecordingServer(client.url.partition(":")[0], context) as server:
            yield server

    def settings(
        self, client: Client, server: RecordingServer, query: str = "", **tls: str
    ) -> Settings:
        """Make settings that name the server in the client's URL; `tls`: further files."""
        url = client.url.format(host=self.host(client), port=server.port) + query
        given = {f"{client.part}_url": url} | {
            f"{client.part}_tls_{file}": path for file, path in tls.items()
        }
        if client.url.startswith("amqp"):
            given["redis_url"] = "redis://127.0.0.1:1"
        return Settings(_env_file=None, **given)  # type: ignore[call-arg, arg-type]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    """Authorities and certificates."""
    return Rig(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    """Each client in turn."""
    return CLIENTS[request.param]


@pytest.fixture
def connect() -> Callable[[Client, Settings], object]:
    """Run a client, and return its error, if any: its server never completes the protocol."""

    def run(client: Client, settings: Settings) -> object:
        try:
            return client.run(settings)
        except Exception as error:  # noqa: BLE001  # each library has its own
            return error

    return run
