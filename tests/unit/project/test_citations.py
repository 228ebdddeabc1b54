"""Every section of the rewards API's contract that is cited has a heading in its page."""

import re
import subprocess

from tests.unit.project.markdown import ROOT, headings

_PAGE = ROOT / "docs" / "reference" / "rewards-api.md"
_CITED = re.compile("\N{SECTION SIGN}" + r"(\d+(?:\.\d+)*)")
_NUMBER = re.compile(r"\d+(?:\.\d+)*(?=\.? )")


def _citations() -> dict[str, set[str]]:
    """Section → the files that cite it."""
    listed = subprocess.run(
        ["git", "grep", "-I", "-n", "\N{SECTION SIGN}", "--", ":!docs/evidence"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cited: dict[str, set[str]] = {}
    for line in listed.splitlines():
        file, _, text = line.partition(":")
        for section in _CITED.findall(text):
            cited.setdefault(section, set()).add(file)
    return cited


def test_every_cited_section_is_a_heading_of_the_contract():
    numbered = {found[0] for each in headings(_PAGE) if (found := _NUMBER.match(each))}
    cited = _citations()
    assert cited
    assert {section: files for section, files in cited.items() if section not in numbered} == {}
