"""People who use the web console: local users, sessions, and links that log in once."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from ledger.store.tables.base import Ms, metadata

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", Text, nullable=False),  # argon2id, with its parameters
    Column("roles", Text, nullable=False),  # names of roles, with spaces
    Column("created_at", Ms, nullable=False),
    Column("disabled_at", Ms),
    # of the password, since the last right one
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", Ms),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    # SHA-256 of the cookie's value, which is stored nowhere
    Column("token_digest", LargeBinary(32), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("kind", String(16), nullable=False),  # user: a local one; system; oidc
    Column("uid", BigInteger),  # of a user of the system
    Column("groups", Text, nullable=False),  # of a user of the system or of oidc, with newlines
    Column("created_at", Ms, nullable=False),
    Column("seen_at", Ms, nullable=False),
    Column("expires_at", Ms, nullable=False),
    Index("ix_web_sessions_subject", "subject"),
    sqlite_with_rowid=False,
)

login_links = Table(
    "login_links",
    metadata,
    Column("token_digest", LargeBinary(32), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("groups", Text, nullable=False),
    Column("expires_at", Ms, nullable=False),
    sqlite_with_rowid=False,
)
