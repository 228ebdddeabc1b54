"""Every relative link between the Markdown pages leads to a file and a heading that exist."""

from pathlib import Path

import pytest

from tests.unit.project.markdown import ROOT, anchors, links, pages


def _is_broken(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    assert [link for link in links(page) if _is_broken(page, link)] == []


def test_every_page_of_the_docs_is_linked_from_the_index_or_a_listed_index():
    docs = ROOT / "docs"
    indexes = [docs / "README.md", docs / "decisions" / "README.md"]
    listed = {(index.parent / link).resolve() for index in indexes for link in links(index)}
    missing = set(docs.rglob("*.md")) - listed - {docs / "README.md"}
    assert sorted(str(page.relative_to(docs)) for page in missing) == []
