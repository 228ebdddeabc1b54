"""Producers on a real ledger: campaign files, and requests of other services."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from config.settings_reader import read_settings
from ledger.campaigns import ensure_campaign
from ledger.store.database import Ledger
from producers.blast import BlastReport, blast
from producers.freezing import Freezer
from producers.preparing import BlastOptions
from producers.source import ErrorsFile, ReadOptions, Source


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file: copying it is faster than migrating for each test."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.migrate()
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> Path:
    """The folder of the embedded state, isolated from the user's own settings."""
    for name in os.environ:
        if name.startswith("ISSUANCE_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(migrated, folder / "ledger.db")
    monkeypatch.setenv("ISSUANCE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    return read_settings()


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    with Ledger(f"sqlite:///{home / 'ledger.db'}", durable=False) as opened:
        yield opened


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a campaign file with these rows below the header."""

    def write(*rows: str, header: str = "mobile,rewardId", name: str = "spring.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def send(ledger: Ledger, settings: Settings, tmp_path: Path) -> Callable[..., BlastReport]:
    """Accept a file into a campaign, with settings other than the defaults."""

    def run(
        path: Path,
        campaign: str = "spring",
        errors: str = "errors.csv",
        options: BlastOptions | None = None,
        tracing: Any = None,
        **different: object,
    ) -> BlastReport:
        with ErrorsFile(tmp_path / errors) as errors_file:
            return blast(
                ledger,
                ensure_campaign(ledger, campaign),
                Source(path, ReadOptions()),
                Freezer.of_settings(settings.model_copy(update=different)),
                errors_file,
                options=options,
                tracing=tracing,
                on_batch=lambda _: None,
            )

    return run
