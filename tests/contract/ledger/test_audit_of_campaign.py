"""The audit log of one campaign, with the acts on its letters and lines, on both databases."""

from ledger.audit_log import record_action
from ledger.campaigns import pause_campaign
from ledger.queries.audit_entries import AuditFilter, campaigns_of_targets, read_audit_page
from tests.contract.ledger.build import OPERATOR, TIMEOUT, make_job


def test_a_campaigns_entries_are_those_on_it_and_on_what_belongs_to_it(desk):
    other = desk.another("holi")
    ours = desk.settle(make_job(1), TIMEOUT)
    theirs = other.settle(make_job(2, campaign="holi"), TIMEOUT)
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    targets = [f"line:{ours.id}", f"line:{theirs.id}", "letter:1", "letter:2", "letter:77"]
    targets += ["line:absent", "account:letter:1", "ledger"]
    with desk.ledger.write() as connection:
        for target in targets:
            record_action(connection, OPERATOR, verb="reveal", target=target)
    page = read_audit_page(desk.ledger, AuditFilter(campaign="diwali"), limit=10)
    assert [entry.target for entry in page.entries] == [
        "letter:1",
        f"line:{ours.id}",
        "campaign:diwali",
    ]
    assert page.total == 3
    assert read_audit_page(desk.ledger, AuditFilter(campaign="absent"), limit=10).total == 0
    assert campaigns_of_targets(desk.ledger, [*targets, "campaign:diwali"]) == {
        f"line:{ours.id}": "diwali",
        f"line:{theirs.id}": "holi",
        "letter:1": "diwali",
        "letter:2": "holi",
        "campaign:diwali": "diwali",
    }
