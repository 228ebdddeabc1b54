"""The pages that are written from the code are current."""

import pytest

from tests.reference.log_events import find_events
from tests.reference.pages import PAGES, ROOT


@pytest.mark.parametrize("path", PAGES)
def test_a_page_written_from_the_code_is_current(path: str):
    current = (ROOT / path).read_text(encoding="utf-8") == PAGES[path]()
    assert current, f"{path} is not what the code says: run `make reference`"


def test_events_are_found_in_direct_calls_after_commits_and_in_data():
    found = {(event.name, event.level) for event in find_events(ROOT)}
    assert {
        ("dead_letter_opened", "info"),
        ("campaign_paused", "info"),
        ("account_suspended", "warning"),
        ("attempt_recorded", "info/warning"),
        ("dead_letter_discarded", "info"),
    } <= found
