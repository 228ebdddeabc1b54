"""Three accounts, six organisations and every field, while replies are lost and children killed."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from issuance.outcome import Kind
from issuance.states import State
from ledger.store.schema import attempts
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System

pytestmark = pytest.mark.timeout(600)

_CONNECTED_ROWS = 1_600
_SINGLE_ROWS = 200
_SETTLED_WITHIN = 300.0
_KILLS = ("shop", "air-single")
"""Campaigns during which a child is killed: a job that loses three would count as poison."""
_SETTINGS = {
    "ISSUANCE_API_TIMEOUT_SECONDS": "2",
    "ISSUANCE_API_RATE_ADAPTS": "false",  # many calls fail here
    "ISSUANCE_RETRY_MAX_ATTEMPTS": "12",
    "ISSUANCE_RETRY_BASE_SECONDS": "0.1",
    "ISSUANCE_RETRY_CAP_SECONDS": "0.5",
    "ISSUANCE_RECONCILE_DELAYS_SECONDS": "0.3,0.3,0.4",
    "ISSUANCE_LEASE_SECONDS": "12",
}
_FAULTS = {
    "rates": {
        "reset_after_commit": 0.02,
        "504_html_after_commit": 0.02,
        "truncated_json_after_commit": 0.02,
        "reset_before": 0.02,
        "timeout_after_commit": 0.005,
    },
    "seed": 13,
}


@dataclass(frozen=True)
class _Account:
    """One account of the built-in catalogue: its callers, organisations and rewards."""

    name: str
    till: str
    password: str
    brand: str
    org: int
    free: int
    """A reward of the parent organisation, with an external id."""
    ratio: int
    config: int
    owned: int
    owner: tuple[str, str]
    childs: int
    """A reward of the first child."""
    members: tuple[str, ...]
    """Mobiles of a group's members."""
    group: int

    @property
    def simulated(self) -> str:
        """Its name in the simulator."""
        return "default" if self.name == "demo" else self.name

    @property
    def child(self) -> int:
        return self.org + 1


_ACCOUNTS = (
    _Account(
        *("demo", "demo.till", "demo", "DEMO", 4000),
        *(1001, 1009, 91, 1020, ("CAMPAIGNS", "SPRING"), 1021),
        ("919700000501", "919700000502"),
        601,
    ),
    _Account(
        *("shop", "shop.till", "shop", "SHOP", 5000),
        *(2001, 2004, 20011, 2005, ("JOURNEYS", "J-1"), 2006),
        ("919700002008", "919700002009"),
        5009,
    ),
    _Account(
        *("air", "air.till", "air", "AIR", 6000),
        *(3001, 3004, 30011, 3005, ("JOURNEYS", "J-1"), 3006),
        ("919700003008", "919700003009"),
        6009,
    ),
)


def _connected_rows(account: _Account) -> Iterator[dict[str, Any]]:
    """Rows for the connected endpoint; together they use each of its fields."""
    for member in account.members:
        yield {
            "mobile": member,
            "dataScope": "SELF",
            "orgId": account.org,
            "rewardId": account.free + 1,
            "userGroup2Id": account.group,
        }
    for number in range(10**6):
        customer = _customer(account, number)
        call = {
            "programId": 626,
            "eventLogId": f"{account.name}-{number}",
            "eventDateTime": "2026-01-02T03:04:05Z",
            "notes": f"Row {number}",
            "transactionNumber": f"{account.name}/{number}",
            "params": {"till": "17"},
        }
        reward = {
            "fulfillmentDetails": {"status": "SHIPPED"},
            "customFields": {"size": "L"},
            "rewardParams": {"gift": "yes"},
        }
        match number % 4:
            case 0:
                scope = {"dataScope": "OTHER", "orgId": account.child}
                yield customer | call | reward | scope | {"rewardId": account.childs, "quantity": 2}
            case 1:
                scope = {"dataScope": "SELF", "orgId": account.org}
                external = {"rewardExternalId": f"SKU-{account.free}", "quantity": 1}
                yield customer | call | reward | scope | external
            case 2:
                scope = {"dataScope": "SELF", "orgId": account.org}
                payment = {"id": account.config} | (
                    {"redemptionValue": 7} if number % 8 == 2 else {"points": 20}
                )
                paid = {"rewardId": account.ratio, "paymentConfig": payment}
                yield customer | call | reward | scope | paid
            case _:
                kind, owner = account.owner
                owned = {"rewardOwnershipRO": {"ownerType": kind, "ownerId": owner}}
                scope = {"dataScope": "SELF", "orgId": account.org}
                yield customer | call | reward | scope | owned | {"rewardId": account.owned}


def _single_rows(account: _Account) -> Iterator[dict[str, Any]]:
    """Rows for the single endpoint, which takes tenders."""
    for number in range(_SINGLE_ROWS):
        yield {
            "mobile": f"91970010{number:04d}",
            "rewardId": account.free + 2,
            "paymentConfig": {"id": account.free * 10},
            "tender.totalAmount": 5,
            "tender.methodOfPayment": "card",
            "tender.methodOfPaymentId": "4242",
            "tender.tenderId": 7,
            "tender.amount": 5,
        }


def _customer(account: _Account, number: int) -> dict[str, Any]:
    place = f"{account.org}{number:06d}"  # numbers from 9001 would be magic
    kinds = {
        "mobile": f"9198{place}",
        "email": f"a{place}@example.test",
        "externalId": f"C-{place}",
    }
    kind = list(kinds)[number % 3]
    return {kind: kinds[kind]}


def _write_accounts(folder: Path, api_url: str) -> Path:
    entries = []
    for account in _ACCOUNTS:
        (folder / account.till).write_text(account.password)
        common = (
            f'url = "{api_url}"\ntill = "{account.till}"\nbrand = "{account.brand}"\n'
            f'password_file = "{account.till}"\nrate_per_minute = 0\n'
        )
        entries.append(
            f'[accounts.{account.name}]\nvariant = "connected"\nown_org = {account.org}\n{common}'
        )
        if account is _ACCOUNTS[-1]:
            entries.append(f'[accounts.{account.name}-single]\nvariant = "single"\n{common}')
    file = folder / "accounts.toml"
    file.write_text("\n".join(entries))
    return file


def _blast(system: System, account: str, rows: list[dict[str, Any]], accounts: Path) -> None:
    path = system.home / f"{account}.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = system.command(
        *("blast", str(path), "--campaign", account, "--account", account),
        ISSUANCE_ACCOUNTS_FILE=str(accounts),
    )
    assert done.returncode == 0, done.stderr
    assert f"{len(rows):,} accepted" in done.stdout + done.stderr


def _kill_a_child(system: System) -> None:
    calls = system.calls()
    system.processes.children("worker")[0].kill()
    await_that("calls continue", lambda: system.calls() > calls + 50, 60)


def test_every_field_reaches_every_organisation_and_each_books_agree(
    start_system: StartSystem, tmp_path: Path
):
    file = tmp_path / "accounts.toml"
    file.write_text("")
    with start_system(ISSUANCE_ACCOUNTS_FILE=str(file), **_SETTINGS) as system:
        _write_accounts(tmp_path, system.running.api_url)
        system.plan_faults(_FAULTS)
        rows = {
            account.name: list(islice(_connected_rows(account), _CONNECTED_ROWS))
            for account in _ACCOUNTS
        }
        rows["air-single"] = list(_single_rows(_ACCOUNTS[-1]))
        assert sum(map(len, rows.values())) == 5_000
        with system.switched(latency_seconds=1.0):
            for name, of_account in rows.items():
                _blast(system, name, of_account, file)
                if name in _KILLS:
                    _kill_a_child(system)
        for name, of_account in rows.items():
            found = system.wait_settled(name, _SETTLED_WITHIN)
            assert found.counts[State.ISSUED] == len(of_account), [
                (line.reward_id, line.state, line.code, line.message)
                for line in system.lines(name)
                if line.state is not State.ISSUED
            ][:5]
        truth = system.truth()
        assert _lost_replies(system) > 100
        for account in _ACCOUNTS:
            _check_organisations(system, account, rows[account.name], truth)


def _lost_replies(system: System) -> int:
    """Count the calls that had no readable answer."""
    query = select(func.count()).where(attempts.c.kind == Kind.IN_DOUBT)
    with system.ledger.read() as connection:
        return connection.scalar(query) or 0


def _check_organisations(
    system: System, account: _Account, rows: list[dict[str, Any]], truth: dict[str, dict[str, Any]]
) -> None:
    """Compare the books of each organisation: the rows', the ledger's and the API's."""
    asked = Counter(row["orgId"] for row in rows)
    assert set(asked) == {account.org, account.child}
    done = system.command("status", account.name, "--by", "org", "--json")
    assert done.returncode == 0, done.stderr
    [campaign] = [json.loads(text) for text in done.stdout.splitlines() if text.startswith("{")]
    shown = {each["orgId"]: each for each in campaign["organisations"]}
    ours = [truth[line.request_id] for line in system.lines(account.name)]
    assert {entry["account"] for entry in ours} == {account.simulated}
    issued = Counter[int]()
    for entry in ours:
        issued[entry["orgId"]] += entry["issued"]
    for org, count in asked.items():
        assert shown[org]["accepted"] == shown[org]["issued"] == count
        assert shown[org]["units"] == issued[org]
