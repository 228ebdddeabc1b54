"""Vendored files are what their list says."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.unit.project.markdown import ROOT

_FOLDERS = [ROOT / "web" / "static" / "vendor", ROOT / "tests" / "browser" / "vendor"]
_ROW = re.compile(
    r"^\| `([^`]+)` \| npm .* \| ([\d.]+) \| \S+ \| `([0-9a-f]{64})` \|$", re.MULTILINE
)


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda folder: folder.parts[-3])
def test_each_file_has_its_version_and_hash(folder: Path):
    listed = {name: digest for name, _, digest in _ROW.findall((folder / "README.md").read_text())}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.js")
    }
    assert listed == found
