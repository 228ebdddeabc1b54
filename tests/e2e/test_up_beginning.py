"""`issuance up` and `issuance run` when a port is taken or a server is unreachable."""

import socket

import pytest

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.system import plain_rows


def test_a_taken_flower_port_disables_only_flower(start_system: StartSystem):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start_system("--simulator", ISSUANCE_FLOWER_PORT=str(port)) as system:
            assert (
                f"ISSUANCE_FLOWER_PORT: port {port} is taken" in system.processes.output.read_text()
            )
            assert system.running.flower_url == ""
            system.accept("flowerless", plain_rows(3, area=91))
            assert system.wait_settled("flowerless").counts[State.ISSUED] == 3
        alone = system.command(
            "run",
            "flower",
            ISSUANCE_BROKER_URL="redis://127.0.0.1:1",
            ISSUANCE_FLOWER_PORT=str(port),
        )
        assert (alone.returncode, "end what listens there" in alone.stderr) == (2, True)


@pytest.mark.parametrize(
    ("command", "environment", "setting"),
    [
        (
            ["up", "--simulator"],
            {"ISSUANCE_BROKER_URL": "redis://127.0.0.1:1/0"},
            "ISSUANCE_BROKER_URL",
        ),
        (
            ["up", "--simulator"],
            {"ISSUANCE_LEDGER_URL": "postgresql://u@127.0.0.1:1/l"},
            "ISSUANCE_LEDGER_URL",
        ),
        (["run", "beat"], {"ISSUANCE_BROKER_URL": "redis://127.0.0.1:1/0"}, "ISSUANCE_BROKER_URL"),
    ],
)
def test_an_unreachable_broker_or_ledger_ends_the_start_and_names_the_setting(
    start_system: StartSystem, command: list[str], environment: dict[str, str], setting: str
):
    ended = start_system().command(*command, **environment)
    assert ended.returncode == 69
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("Starting")]
    assert line.startswith("Error: ")
    assert setting in line
