"""The system that is measured: a worker, release, beat and a web process on a large ledger."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from sqlalchemy import text, update

from benchmarks.acceptance import accept_in_subprocess
from benchmarks.cores import OTHER_CORES, WORKER_CORES, python, running
from benchmarks.load import IN_FLIGHT, Task, write_csv
from benchmarks.servers import Stub, broker, stub_api, url_of
from benchmarks.this_system import process_environment
from console.local.addresses import free_port
from issuance.endpoint import Variant
from issuance.redrive.bulk import ActionKind
from issuance.states import CampaignState
from ledger.audit_log import Operator
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.plans import make_plan
from ledger.people.sessions import Person, begin_session
from ledger.people.users import add_user, find_user
from ledger.store.database import Ledger
from ledger.store.schema import campaigns
from operations.access.roles import Role

_LATENCY_MS = 50
_START_SECONDS = 180.0
_FRESH_FROM = 500_000_000
"""Number of the first customer that is not in the filled ledger."""
_PERSON = Operator("benchmark")


@dataclass(frozen=True)
class System:
    """The running system."""

    url: str
    """The console's address."""
    token: str
    """Of a session with every right."""
    stub: Stub
    web: psutil.Process
    blast: str
    """The campaign that runs."""
    redrive: int
    """A plan of a redrive."""


@contextmanager
def run_system(file: Path, folder: Path, *, rate: int, rows: int) -> Iterator[System]:
    """Accept a blast of `rows` into the ledger and run it at `rate` calls a minute; 0: any."""
    ledger_url = f"sqlite:///{file.absolute()}"
    blast = f"blast-{int(time.time())}"
    with ExitStack() as stack:
        stub = stack.enter_context(stub_api(folder))
        stub.reset(_LATENCY_MS)
        server = stack.enter_context(broker(folder))
        token, redrive = _prepare(ledger_url)
        _accept(ledger_url, folder, blast, rows)
        task = Task(stub.url, url_of(server), IN_FLIGHT[_LATENCY_MS], Variant.BULK)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environment = process_environment(folder, task, ledger_url, 1) | {
            "ISSUANCE_API_RATE_PER_MINUTE": str(rate),
            "ISSUANCE_WEB_PORT": str(port),
            "ISSUANCE_WEB_URL": url,
        }
        web = stack.enter_context(_started("web", environment, folder))
        for name in ("worker", "release", "beat"):
            stack.enter_context(_started(name, environment, folder))
        _await(url, stub)
        yield System(url, token, stub, web, blast, redrive)


def _started(
    name: str, environment: Mapping[str, str], folder: Path
) -> AbstractContextManager[psutil.Process]:
    command, log = python("console", "run", name), folder / f"{name}.log"
    # On all cores, as in a system: what pages cost the worker is measured too.
    cores = sorted({*WORKER_CORES, *OTHER_CORES})
    return running(command, cores=cores, environment=environment, log=log)


def _prepare(ledger_url: str) -> tuple[str, int]:
    """Pause the blasts of earlier runs, begin a session, and plan a redrive of one group."""
    with Ledger(ledger_url) as ledger:
        ledger.migrate()
        with ledger.write() as connection:
            connection.execute(
                update(campaigns)
                .where(campaigns.c.state == CampaignState.RUNNING)
                .values(state=CampaignState.PAUSED)
            )
        if find_user(ledger, _PERSON.name) is None:
            add_user(ledger, _PERSON.name, "no password", [role.value for role in Role], _PERSON)
        with ledger.read() as connection:
            group = connection.scalar(text("SELECT min(id) FROM dead_letter_groups")) or 0
        plan = make_plan(ledger, DeadLetterFilter(groups=(group,)), ActionKind.RESEND, _PERSON)
        return begin_session(ledger, Person(_PERSON.name, "user")), plan.id


def _accept(ledger_url: str, folder: Path, campaign: str, rows: int) -> None:
    file = folder / "blast.csv"
    write_csv(file, rows, first=_FRESH_FROM + int(time.time()) % 400_000 * 1_000)
    accept_in_subprocess(file, ledger_url, campaign)


def _await(url: str, stub: Stub) -> None:
    """Wait until the console answers and calls are made."""
    until = time.monotonic() + _START_SECONDS
    while not (_answers(url) and stub.stats()["answered"]):
        if time.monotonic() > until:
            raise TimeoutError("The system did not start; see its logs")
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", trust_env=False).is_success
    except httpx.HTTPError:
        return False
