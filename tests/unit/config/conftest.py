"""The settings of a test do not depend on this machine's environment."""

import os

import pytest


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path):
    for name in [name for name in os.environ if name.upper().startswith("ISSUANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
