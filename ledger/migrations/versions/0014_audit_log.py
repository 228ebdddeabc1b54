"""The audit log: chained entries that are only ever added. The entries of `actions` move there.

Names of older entries came from the environment ($LOGNAME), so they are marked as migrated.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from issuance.derived_keys import Purpose
from issuance.masking import hide_identifiers
from ledger.audit_chain import GENESIS, Content, entry_mac, head_seal
from ledger.store.dialects.dialect import dialect_of
from ledger.store.secret import GIVEN, read_keys, settle_secret

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_PAGE = 10_000


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_log",
        sa.Column("id", big, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("uid", sa.BigInteger()),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("claimed", sa.Text(), nullable=False),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seal", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    connection = op.get_bind()
    given = connection.get_execution_options().get(GIVEN)
    settle_secret(connection, given)  # before anything is made with it
    key = read_keys(connection, given)[Purpose.AUDIT]
    count, mac = _move(connection, key)
    seal = head_seal(key, count, mac)
    op.execute(sa.insert(head).values(id=1, entries=count, mac=mac, seal=seal))
    op.create_index("ix_audit_log_target", "audit_log", ["target"])
    op.drop_table("actions")
    for statement in _TRIGGERS[connection.dialect.name]:
        op.execute(statement)


def _move(connection: sa.Connection, key: bytes) -> tuple[int, bytes]:
    """Chain the old entries in their order; returns how many there are, and the last MAC."""
    dialect, count, mac = dialect_of(connection), 0, GENESIS
    for page in _pages(connection):
        rows = []
        for row in page:
            count += 1
            content = Content(
                id=count,
                at=row.at,
                subject=row.operator,
                uid=None,
                host="",
                way="migrated",
                claimed="",
                verb=row.verb,
                target=row.target,
                before="",
                after="",
                reason=hide_identifiers(row.note),
            )
            mac = entry_mac(key, mac, content)
            rows.append((*content, mac))
        dialect.insert_rows(connection, "audit_log", (*Content._fields, "mac"), rows)
    return count, mac


def _pages(connection: sa.Connection) -> Iterator[list[sa.Row[tuple[object, ...]]]]:
    after = 0
    query = sa.text(
        "SELECT id, at, operator, verb, target, note FROM actions WHERE id > :after "
        "ORDER BY id LIMIT :page"
    )
    while page := list(connection.execute(query, {"after": after, "page": _PAGE})):
        after = page[-1].id
        yield page


_APPENDED_ONLY = "the audit log is only ever added to"
_SQLITE = (
    *(
        f"""
CREATE TRIGGER audit_log_no_{change.lower()} BEFORE {change} ON audit_log
BEGIN SELECT RAISE(ABORT, '{_APPENDED_ONLY}'); END
"""
        for change in ("UPDATE", "DELETE")
    ),
    # INSERT OR REPLACE would replace an entry without a DELETE that triggers see.
    f"""
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, '{_APPENDED_ONLY}'); END
""",  # noqa: S608  # our text
)
_POSTGRESQL = (
    f"""
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{_APPENDED_ONLY}';
END $$
""",
    """
CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
""",
)
_TRIGGERS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
