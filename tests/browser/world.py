"""A ledger in which every page has something to show, also what is long and what is large."""

from pathlib import Path

from sqlalchemy import update

from issuance.approval_policy import ApprovalPolicy
from issuance.redrive.bulk import ActionKind
from issuance.redrive.rules import Verb
from ledger.audit_log import Operator
from ledger.campaign_changes import submit_campaign
from ledger.campaigns import ensure_campaign, pause_campaign
from ledger.closing.closing import close_campaign
from ledger.closing.verification import Mode, begin_comparison
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.plans import make_plan
from ledger.dispatch.cancellation import cancel_campaign
from ledger.people.users import add_user
from ledger.results.recording import record
from ledger.store.database import Ledger
from ledger.store.schema import campaigns
from operations.access.roles import Role
from operations.people.passwords import hash_password
from tests.contract.ledger.build import Desk, issue, judge, make_job, make_jobs, refuse

PASSWORD = "correct horse battery"
ADMIN = Operator("root", "as agreed in ticket 42")
LONG_NAME = ("festival-of-lights-" * 11)[:200]
STOPPED, PAUSED, DRAFT, WAITING, EMPTY = "holi", "onam", "summer", "pongal", "lohri"
CLOSED = "republic-day"
MIXED = "diwali"
NAMES = (MIXED, LONG_NAME, STOPPED, PAUSED, DRAFT, WAITING, EMPTY, CLOSED)
MILLION = 12_345_678
REQUEST_ID = make_job(1).id
REDRIVES = (1, 2)
LETTER = 22
CLERK = "clerk"
_LONG_REPLY = "The customer is not in the segment " + "partition-of-loyal-customers-" * 6


def fill(ledger: Ledger) -> None:
    """Fill a migrated ledger. What is settled comes first: a desk takes whatever waits."""
    add_people(ledger)
    desk = Desk(ledger, ensure_campaign(ledger, MIXED))
    long = desk.another(LONG_NAME)
    _stop(desk.another(STOPPED))
    held, job = desk.take_one(make_job(1))
    desk.record(held, judge(job, issue(job)))
    desk.settle(make_job(2), refuse())
    desk.settle(make_job(3), refuse(12034, _LONG_REPLY))
    desk.settle(make_job(4), refuse(8003, "Reward is not found"))
    long.settle(make_job(20, campaign=LONG_NAME), refuse(1014, _LONG_REPLY))
    _close(desk.another(CLOSED))
    make_plan(ledger, DeadLetterFilter(), ActionKind.REISSUE, ADMIN)
    desk.redrive(Verb.REISSUE, campaign=MIXED, code=8003)
    _wait(desk, long)


def _wait(desk: Desk, long: Desk) -> None:
    """Campaigns that have not ended, each in another state."""
    ledger = desk.ledger
    long.accept(*make_jobs(5, 21, campaign=LONG_NAME))
    with ledger.write() as connection:
        query = update(campaigns).where(campaigns.c.name == LONG_NAME)
        connection.execute(query.values(accepted_lines=MILLION))
    desk.another(PAUSED).accept(*make_jobs(3, 40, campaign=PAUSED))
    pause_campaign(ledger, PAUSED, ADMIN)
    for name in (DRAFT, WAITING):
        draft = Desk(ledger, ensure_campaign(ledger, name, is_draft=True))
        draft.accept(make_job(50, campaign=name))
    submit_campaign(ledger, WAITING, Operator("asha"), ApprovalPolicy(units=0))
    desk.another(EMPTY)
    desk.another("ended").accept(make_job(60, campaign="ended"))
    cancel_campaign(ledger, "ended", ADMIN)


def _close(desk: Desk) -> None:
    held, job = desk.take_one(make_job(30, campaign=CLOSED))
    desk.record(held, judge(job, issue(job)))
    close_campaign(desk.ledger, begin_comparison(desk.ledger, CLOSED, Mode.NONE, ADMIN), ADMIN)


def add_people(ledger: Ledger) -> None:
    """Add a user for each role, who has its name, and one who may also reveal."""
    hashed = hash_password(PASSWORD)
    for role in Role:
        add_user(ledger, role.value, hashed, [role.value], ADMIN)
    add_user(ledger, CLERK, hashed, [Role.VIEWER.value, Role.REVEALER.value], ADMIN)


def _stop(desk: Desk) -> None:
    """Stopped by its stop-loss: its only reward does not exist."""
    with desk.ledger.write() as connection:
        query = update(campaigns).where(campaigns.c.name == STOPPED)
        connection.execute(query.values(stop_loss="default"))
    desk.accept(*make_jobs(40, 100, campaign=STOPPED, rewards=(9999,)))
    while chunks := desk.release(chunk_size=5, window=5):
        for chunk in chunks:
            held = desk.claim(chunk)
            said = [judge(job, refuse(8003, "Reward is not found")) for job in held.jobs]
            record(desk.ledger, held.chunk_id, said, worker="w-1")


def make_ledger(path: Path) -> str:
    """Make such a ledger; returns its URL."""
    url = f"sqlite:///{path}"
    with Ledger(url, durable=False) as ledger:
        ledger.migrate()
        fill(ledger)
    return url
