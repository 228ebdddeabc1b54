"""Several accounts in one system: one is closed, one comes later, and none disturbs another."""

from pathlib import Path

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that

_CLOSED = "http://127.0.0.1:1"


def _rows(first: int, count: int) -> list[dict[str, object]]:
    return [
        {"mobile": f"91986700{number:04d}", "rewardId": 1001, "quantity": 1}
        for number in range(first, first + count)
    ]


def _entry(name: str, url: str, secret: str) -> str:
    return (
        f'[accounts.{name}]\nurl = "{url}"\ntill = "demo.till"\nbrand = "DEMO"\n'
        f'password_file = "{secret}"\nrate_per_minute = 0\n'
    )


def test_a_closed_account_waits_alone_and_changes_need_no_restart(
    start_system: StartSystem, tmp_path: Path
):
    file = tmp_path / "accounts.toml"
    (tmp_path / "right").write_text("demo")
    file.write_text(_entry("closed", _CLOSED, "right"))
    with start_system(ISSUANCE_ACCOUNTS_FILE=str(file)) as system:
        api_url = system.running.api_url

        def blast(campaign: str, account: str, first: int) -> None:
            path = system.write_file(campaign, _rows(first, 60))
            done = system.command("blast", str(path), "--campaign", campaign, "--account", account)
            assert done.returncode == 0, done.stderr

        blast("waiting", "closed", 0)
        await_that(
            "the closed account is suspended",
            lambda: "calls of account closed are" in system.command("health").stdout,
        )
        blast("ours", "default", 100)
        assert system.wait_settled("ours").counts[State.ISSUED] == 60
        assert system.balance("waiting").counts[State.ISSUED] == 0

        # An account that is added, and one that is opened, while everything runs.
        file.write_text(_entry("closed", api_url, "right") + _entry("late", api_url, "right"))
        blast("late", "late", 200)
        assert system.wait_settled("late").counts[State.ISSUED] == 60
        system.command("limits", "resume", "--account", "closed")
        assert system.wait_settled("waiting").counts[State.ISSUED] == 60
