"""The deployment's secret: one for a ledger's life, in the ledger or in a file."""

import pytest
from sqlalchemy import select, update

from issuance.derived_keys import Purpose, derive_key
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, jobs, secrets, tombstones
from ledger.store.secret import Keys, SecretError
from tests.contract.ledger.build import make_job
from tests.postgres import postgres_database

FILE, OTHER = b"f" * 32, b"o" * 32


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Name an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def open_with(url):
    """Open the ledger with a secret from a file, or None; by default after a migration."""
    opened = []

    def open_with(secret=None, *, migrate=True):
        ledger = Ledger(url, secret=secret)
        opened.append(ledger)
        if migrate:
            ledger.migrate()
        ledger.check_schema()
        return ledger

    yield open_with
    for ledger in opened:
        ledger.close()


def _stored(ledger):
    with ledger.read() as connection:
        row = connection.execute(select(secrets)).one()
    return row.value and bytes(row.value), row.fingerprint


def _use(ledger, name):
    """Make something that depends on the secret."""
    statement = {
        "a campaign": campaigns.insert().values(
            name="spring", state="running", defers_limits=False, accepted_lines=0, created_at=1,
            id_scheme=2,
        ),
        "a customer's digest": jobs.insert().values(
            number=1, id=make_job().id, campaign_id=1, source_line=1, lane="blast", customer="c",
            variant="bulk", body=b"{}", occurrence=1, generation=1, state="issued", open_lines=0,
            due_at=1, claims=0, attempts=0, budget_attempts=0, may_have_reached=False,
            limit_deferrals=0, redrives=0, accepted_at=1, customer_digest=7,
        ),
        "a tombstone": tombstones.insert().values(
            request_id=bytes(16), campaign_id=1, state="issued", line_digest=bytes(15),
        ),
    }[name]  # fmt: skip
    with ledger.write() as connection:
        connection.execute(statement)


USES = pytest.mark.parametrize("use", ["a campaign", "a customer's digest", "a tombstone"])


def test_the_migration_makes_a_secret_and_stores_its_fingerprint(open_with):
    ledger = open_with()
    value, fingerprint = _stored(ledger)
    assert len(value) == 32
    assert fingerprint == Keys(value).fingerprint
    assert ledger.key(Purpose.CHUNKS) == derive_key(value, Purpose.CHUNKS)


def test_each_ledger_has_a_secret_of_its_own(tmp_path):
    found = set()
    for name in ("a", "b"):
        with Ledger(f"sqlite:///{tmp_path / name}") as ledger:
            ledger.migrate()
            found.add(ledger.key(Purpose.CHUNKS))
    assert len(found) == 2


def test_a_fingerprint_is_neither_the_secret_nor_one_of_its_keys():
    keys = Keys(FILE)
    assert len(keys.fingerprint) == 32
    others = [keys[purpose] for purpose in Purpose if purpose is not Purpose.SECRET_CHECK]
    assert not any(keys.fingerprint in each.hex() for each in (*others, FILE))


def test_a_second_migration_keeps_the_secret(open_with):
    first = _stored(open_with())
    assert _stored(open_with()) == first


def test_a_file_replaces_the_secret_of_a_new_ledger_and_the_ledger_forgets_its_own(open_with):
    ledger = open_with(FILE)
    assert _stored(ledger) == (None, Keys(FILE).fingerprint)
    assert ledger.key(Purpose.REQUEST_IDS) == derive_key(FILE, Purpose.REQUEST_IDS)
    _use(ledger, "a campaign")
    assert open_with(FILE).key(Purpose.REQUEST_IDS) == derive_key(FILE, Purpose.REQUEST_IDS)


def test_a_file_may_be_replaced_while_nothing_depends_on_it(open_with):
    open_with(FILE)
    assert open_with(OTHER).key(Purpose.CHUNKS) == derive_key(OTHER, Purpose.CHUNKS)


def test_only_a_migration_replaces_the_secret(open_with):
    open_with()
    with pytest.raises(SecretError, match="run `issuance migrate`"):
        open_with(FILE, migrate=False)


@USES
@pytest.mark.parametrize("migrate", [True, False])
def test_a_file_with_another_secret_is_refused_once_something_depends_on_the_ledgers(
    open_with, use, migrate
):
    ledger = open_with()
    _use(ledger, use)
    before = _stored(ledger)
    with pytest.raises(SecretError, match="issued twice: unset ISSUANCE_SECRET_FILE"):
        open_with(FILE, migrate=migrate)
    assert _stored(ledger) == before


@pytest.mark.parametrize("migrate", [True, False])
def test_another_file_is_refused_once_something_depends_on_the_first(open_with, migrate):
    _use(open_with(FILE), "a campaign")
    with pytest.raises(SecretError, match="issued twice: restore that file"):
        open_with(OTHER, migrate=migrate)


@pytest.mark.parametrize("migrate", [True, False])
def test_a_process_without_the_file_is_refused(open_with, migrate):
    open_with(FILE)
    with pytest.raises(SecretError, match="set ISSUANCE_SECRET_FILE to it in every process"):
        open_with(migrate=migrate)


def test_a_file_with_the_ledgers_own_secret_moves_it_out_of_the_ledger(open_with):
    ledger = open_with()
    _use(ledger, "a campaign")
    own, fingerprint = _stored(ledger)
    assert _stored(open_with(own, migrate=False)) == (own, fingerprint)
    assert _stored(open_with(own)) == (None, fingerprint)


@pytest.mark.parametrize("migrate", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (secrets.delete(), "lost its secret: restore the table secrets"),
        (update(secrets).values(value=OTHER), "does not fit its fingerprint: restore"),
    ],
)
def test_a_lost_or_altered_secret_is_refused_with_the_remedy(open_with, change, message, migrate):
    ledger = open_with()
    with ledger.write() as connection:
        connection.execute(change)
    with pytest.raises(SecretError, match=message):
        open_with(migrate=migrate)


def test_a_running_process_notices_that_its_secret_was_replaced(open_with):
    running = open_with()
    keys = running.keys
    open_with(FILE)
    with running.read() as connection, pytest.raises(SecretError, match="start it again"):
        keys.require_current(connection)


def test_tombstones_of_earlier_versions_do_not_depend_on_the_secret(open_with):
    with open_with().write() as connection:
        connection.execute(
            tombstones.insert().values(
                request_id=bytes(16), campaign_id=1, state="issued", line_digest=bytes(16)
            )
        )
    assert _stored(open_with(FILE))[1] == Keys(FILE).fingerprint
