"""The audit page comes at once, however many things an act was done to."""

import re

from ledger.audit_log import Operator, letter_target, record_actions

_LETTERS = range(1_001, 3_101)


def test_an_act_on_very_many_letters_continues_on_the_next_page(console):
    letters = list(map(letter_target, _LETTERS))
    with console.site.ledger.write() as connection:
        record_actions(connection, Operator("zoe"), verb="discard", targets=letters)
    client = console.browser("viewer")
    first = client.get("/audit").text
    assert "discarded 2,000 or more dead letters (1101 to 3100)" in first
    older = re.search(r'href="(/audit\?before=[^"]+)"', first)[1].replace("&amp;", "&")
    assert "discarded 100 dead letters (1001 to 1100)" in client.get(older).text
