"""Vendored files are what their list says."""

import hashlib
import re

from tests.unit.project.markdown import ROOT

_FOLDER = ROOT / "web" / "static" / "vendor"
_ROW = re.compile(
    r"^\| `([^`]+)` \| npm .* \| ([\d.]+) \| \S+ \| `([0-9a-f]{64})` \|$", re.MULTILINE
)


def test_each_file_has_its_version_and_hash():
    listed = {name: digest for name, _, digest in _ROW.findall((_FOLDER / "README.md").read_text())}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in _FOLDER.glob("*.js")
    }
    assert listed == found
