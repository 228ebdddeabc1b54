"""`issuance demo`: runs a blast to its end and compares the ledger with the API's record."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from config.endpoints import RunningSystem, sqlite_url
from config.home import embedded_ledger, prepare_home
from config.reference import defaults
from config.settings import SettingsError
from config.settings_reader import read_settings
from console.local.python_command import python_command
from console.local.simulator_audit import Comparison, compare_books
from console.rendering.campaign import counts
from console.terminal import EXIT_UNUSABLE, explained, out
from issuance.states import State
from ledger.queries.balance import Balance, balance, recount
from ledger.store.database import Ledger
from operations.formats import counted

CAMPAIGN = "spring-demo"
_SAMPLE = Path(__file__).parent.parent.parent / "samples" / "demo-blast.csv"
_READY_SECONDS = 90.0
_END_SECONDS = 150.0
# Short times, so that every retry ends while the operator watches.
_SETTINGS = {
    "ISSUANCE_API_TIMEOUT_SECONDS": "3",
    "ISSUANCE_LEASE_SECONDS": "10",
    "ISSUANCE_RETRY_MAX_ATTEMPTS": "6",
    "ISSUANCE_RETRY_BASE_SECONDS": "0.5",
    "ISSUANCE_RETRY_CAP_SECONDS": "3",
    "ISSUANCE_RETRY_TOTAL_SECONDS": "60",
    "ISSUANCE_RECONCILE_DELAYS_SECONDS": "1,2,4",
    "ISSUANCE_FLOWER_PORT": "0",
    "ISSUANCE_HEALTH_PORT": "0",
    "ISSUANCE_WEB_PORT": "0",
    "ISSUANCE_API_RATE_PER_MINUTE": "0",
    "SIMULATOR_LATENCY_SECONDS": "0.1",
}


def demo(
    file: Annotated[
        Path, typer.Option(metavar="FILE", help="The campaign's file.", show_default="the sample")
    ] = _SAMPLE,
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the system running afterwards.")
    ] = False,
) -> None:
    """Run a sample blast on embedded parts, then compare the ledger with what the API issued."""
    with explained():
        home = _fresh_home()
        environment = _environment(home)
        out.rule("[bold]1. The system starts: broker, ledger, simulated API, workers, consoles")
        with _system(home, environment) as running:
            out.rule(f"[bold]2. A blast of {file.name} in which documented things go wrong")
            _blast(file, environment)
            out.rule("[bold]3. Every reward comes to its outcome")
            with Ledger(sqlite_url(embedded_ledger(home))) as ledger:
                final = _watch(ledger)
                out.rule("[bold]4. The books")
                comparison = compare_books(ledger, CAMPAIGN, running.api_url)
                _print_books(final, comparison)
                _print_letters(environment)
                _print_console(running, environment, keep=keep)
                if keep:
                    _wait_for_a_word()
        sys.exit(0 if final.balanced and not final.unsettled and comparison.agree else 1)


def _fresh_home() -> Path:
    home = (read_settings(allow_old_home=True).home / "demo").resolve()
    if RunningSystem.find(home) is not None:
        raise SettingsError(f"A demo is running on {home} already: end it first")
    shutil.rmtree(home, ignore_errors=True)
    prepare_home(home)
    return home


def _environment(home: Path) -> dict[str, str]:
    foreign = {name for name in os.environ if name.startswith(("ISSUANCE_", "SIMULATOR_"))}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    # Set even to the default, a variable wins over a `.env` file: the demo uses embedded parts and
    # the simulator's credentials, whatever is configured. Each command sets its own log level.
    logging = ("ISSUANCE_LOG_LEVEL", "ISSUANCE_LOG_FORMAT")
    ours = {name: value for name, value in defaults().items() if name not in logging}
    return kept | ours | _SETTINGS | {"ISSUANCE_HOME": str(home)}


@contextmanager
def _system(home: Path, environment: dict[str, str]) -> Iterator[RunningSystem]:
    # Without a handler a SIGTERM would leave the system behind.
    signal.signal(signal.SIGTERM, _on_sigterm)
    process = subprocess.Popen(_issuance("up", "--simulator"), env=environment, stdout=sys.stdout)  # noqa: S603
    try:
        yield _await_ready(process, home)
    finally:
        process.terminate()
        process.wait()


def _on_sigterm(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _await_ready(process: "subprocess.Popen[bytes]", home: Path) -> RunningSystem:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        running = RunningSystem.find(home)
        if running is not None:
            return running
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SettingsError(f"The system did not start: see {home / 'logs'}")


def _blast(file: Path, environment: dict[str, str]) -> None:
    errors = Path(environment["ISSUANCE_HOME"]) / "errors.csv"
    options = ["--campaign", CAMPAIGN, "--errors", str(errors)]
    done = subprocess.run(_issuance("blast", str(file), *options), env=environment, check=False)  # noqa: S603
    if done.returncode == EXIT_UNUSABLE:
        raise SettingsError("The sample could not be read")


def _issuance(*arguments: str) -> list[str]:
    return python_command("console", *arguments)


def _watch(ledger: Ledger) -> Balance:
    """Show the balance until every line is settled, or the time is up."""
    until = time.monotonic() + _END_SECONDS
    live = Live(console=out, transient=True) if out.is_terminal else nullcontext()
    with live as screen:
        while True:
            now = balance(ledger, CAMPAIGN)
            if screen is not None:
                screen.update(_progress(now))
            if not now.unsettled or time.monotonic() > until:
                return recount(ledger, CAMPAIGN)
            time.sleep(0.25)


def _progress(now: Balance) -> Text:
    done = now.campaign.accepted_lines - now.unsettled
    filled = round(30 * done / max(1, now.campaign.accepted_lines))
    bar = (("█" * filled, "green"), ("░" * (30 - filled), "dim"))
    return Text.assemble(*bar, f" {done:,} of {now.campaign.accepted_lines:,}\n{counts(now)}")


def _print_books(final: Balance, books: Comparison) -> None:
    table = Table(box=None)
    table.add_column("the ledger")
    table.add_column("lines", justify="right")
    waiting = sum(final.counts[state] for state in (State.WAITING, State.QUEUED, State.RUNNING))
    shown = {
        "issued": State.ISSUED,
        "partial": State.PARTIAL,
        "failed": State.FAILED,
        "in doubt": State.IN_DOUBT,
    }
    for name, state in (shown | {"cancelled": State.CANCELLED}).items():
        table.add_row(name, f"{final.counts[state]:,}")
    table.add_row("waiting", f"{waiting:,}")
    table.add_row("[bold]accepted", f"[bold]{final.campaign.accepted_lines:,}")
    out.print(table)
    out.print(
        "balanced: accepted = the sum of the states" if final.balanced else "[bold red]NOT BALANCED"
    )
    out.print()
    out.print(books.table())
    out.print(books.verdict(), soft_wrap=True)


def _print_letters(environment: dict[str, str]) -> None:
    home = Path(environment["ISSUANCE_HOME"])
    with Ledger(sqlite_url(embedded_ledger(home))) as ledger:
        count = balance(ledger, CAMPAIGN).open_dead_letters
    shown = home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home
    command = f"ISSUANCE_HOME={shown} .venv/bin/issuance dead-letters list"
    out.print(
        f"{counted(count, 'dead letter')} for an operator: {command}",
        soft_wrap=True,
    )


def _print_console(running: RunningSystem, environment: dict[str, str], *, keep: bool) -> None:
    if not keep:
        out.print(
            "The system ends now. `make demo DEMO=--keep` leaves it running, to look around on the "
            "web console and in Flower.",
            soft_wrap=True,
        )
        return
    # The first link may be used or too old by now.
    link = subprocess.run(  # noqa: S603
        _issuance("user", "link"), env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    out.print(f"console    {link.stdout.strip() or running.web_url}", soft_wrap=True)
    out.print(f"Flower     {running.flower_url} (its password is above)", soft_wrap=True)


def _wait_for_a_word() -> None:
    """Wait for Enter, or without a terminal for a signal."""
    if sys.stdin.isatty():
        out.print("Press Enter to end the system.")
        with suppress(KeyboardInterrupt):
            sys.stdin.readline()
        return
    out.print("The system ends with SIGINT or SIGTERM.")
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    signal.sigwait(signals)
