"""The repository's Markdown files: their headings, anchors and links."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
_SKIPPED = {".venv", ".git", ".issuance", "node_modules"}
_FENCE = re.compile(r"^( *)(`{3,}).*?^\1\2`* *$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


def pages() -> list[Path]:
    """Return every Markdown file of the repository."""
    return sorted(
        page
        for page in ROOT.rglob("*.md")
        if not any(part in _SKIPPED for part in page.relative_to(ROOT).parts)
    )


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path) -> list[str]:
    """Return a page's headings, as written."""
    return _HEADING.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    found: dict[str, int] = {}
    names = set()
    for heading in headings(page):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = _NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-")
        times = found[name] = found.get(name, -1) + 1
        names.add(f"{name}-{times}" if times else name)
    return names


def links(page: Path) -> list[str]:
    """Return the relative links of a page."""
    return [link for link in _LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link)]
