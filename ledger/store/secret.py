"""The deployment's secret: in the ledger, and so in each backup, or in a file of the operator's.

Another secret derives other requestIds, so that a file that is read again would be issued twice. So
its fingerprint is in the ledger, and a process with another secret is refused.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, Exists, exists, func, select, update

from issuance.derived_keys import Purpose, derive_key
from ledger.audit_chain import GENESIS, head_seal
from ledger.store.errors import LedgerError
from ledger.store.schema import (
    KEYED_DIGEST_BYTES,
    audit_head,
    audit_log,
    campaigns,
    jobs,
    secrets,
    tombstones,
)

KEYS = "issuance_keys"
"""The execution option with the function that returns the keys within a transaction."""
GIVEN = "issuance_secret"
"""The execution option with the secret of ISSUANCE_SECRET_FILE, or None."""
_NAME = "deployment"
_IS_OURS = secrets.c.name == _NAME
_SECRET = select(secrets.c.value, secrets.c.fingerprint).where(_IS_OURS)
_FINGERPRINT = select(secrets.c.fingerprint).where(_IS_OURS)
_FINGERPRINT_BYTES = 16

_USES: Mapping[str, Exists] = {
    "campaigns": exists().where(campaigns.c.id_scheme != 1),
    "customers' digests": exists().where(jobs.c.customer_digest.is_not(None)),
    "tombstones": exists().where(func.length(tombstones.c.line_digest) == KEYED_DIGEST_BYTES),
    "audit log": exists().where(audit_log.c.id > 0),
}
"""What the secret has made that is kept: each as a condition that holds when there is any."""


class SecretError(LedgerError):
    """The secret is missing, or is not this ledger's. The message says what to do."""


class Keys:
    """The keys of the deployment's secret.

    Args:
        secret: 32 bytes.

    Raises:
        ValueError: it has another length.
    """

    def __init__(self, secret: bytes) -> None:
        self._keys = {purpose: derive_key(secret, purpose) for purpose in Purpose}
        self.fingerprint = self._keys[Purpose.SECRET_CHECK][:_FINGERPRINT_BYTES].hex()
        """Names the secret and does not reveal it: 32 hex digits."""

    def __getitem__(self, purpose: Purpose) -> bytes:
        """Return the key for a purpose, 32 bytes."""
        return self._keys[purpose]

    def require_current(self, connection: Connection) -> None:
        """Make sure that the ledger still has this secret.

        `issuance migrate` may have replaced it while this process ran. Once a campaign with keyed
        requestIds exists, it never changes again.

        Raises:
            SecretError: it has another one.
        """
        if connection.scalar(_FINGERPRINT) != self.fingerprint:
            raise SecretError(
                "The deployment's secret was replaced while this process ran: start it again"
            )


def read_keys(connection: Connection, given: bytes | None) -> Keys:
    """Return the keys of the secret with which this ledger works.

    Args:
        connection: a transaction.
        given: the secret of ISSUANCE_SECRET_FILE; None: the ledger has it.

    Raises:
        SecretError: it is not this ledger's secret, or it is missing.
    """
    value, fingerprint = _read(connection)
    if given is None:
        keys = Keys(_own(value))
        if fingerprint not in (None, keys.fingerprint):
            raise SecretError(_ALTERED)
        return keys
    keys = Keys(given)
    if keys.fingerprint != fingerprint:
        used = _find_use(connection)
        raise SecretError(
            _other(used, value)
            if used
            else "The ledger does not work with the secret of ISSUANCE_SECRET_FILE yet: stop every "
            "process and run `issuance migrate`"
        )
    return keys


def settle_secret(connection: Connection, given: bytes | None) -> None:
    """Decide which secret the ledger works with, and store its fingerprint.

    A given secret replaces the ledger's while nothing was made with that: no campaign with keyed
    requestIds, no other keyed digest and no entry of the audit log. The ledger does not keep a
    secret that is in a file.

    Args:
        connection: a transaction that holds `Lock.MIGRATION`.
        given: the secret of ISSUANCE_SECRET_FILE; None: the ledger has it.

    Raises:
        SecretError: the ledger must keep working with another secret, or has lost its own.
    """
    value, fingerprint = _read(connection)
    if given is None:
        if fingerprint is None:
            _store(connection, value, Keys(_own(value)))
        else:
            read_keys(connection, None)
        return
    keys = Keys(given)
    is_ours = keys.fingerprint == fingerprint or given == value
    if not is_ours and (used := _find_use(connection)):
        raise SecretError(_other(used, value))
    if value is not None or not is_ours:
        _store(connection, None, keys)
        seal = head_seal(keys[Purpose.AUDIT], 0, GENESIS)
        connection.execute(update(audit_head).where(audit_head.c.entries == 0).values(seal=seal))


def _read(connection: Connection) -> tuple[bytes | None, str | None]:
    row = connection.execute(_SECRET).one_or_none()
    if row is None:
        raise SecretError(_LOST)
    return row.value, row.fingerprint


def _own(value: bytes | None) -> bytes:
    if value is None:
        raise SecretError(
            "The deployment's secret is in a file: set ISSUANCE_SECRET_FILE to it in every process"
        )
    return bytes(value)


def _store(connection: Connection, value: bytes | None, keys: Keys) -> None:
    connection.execute(
        update(secrets).where(_IS_OURS).values(value=value, fingerprint=keys.fingerprint)
    )


def _find_use(connection: Connection) -> str:
    """Name something that was made with the secret; "": nothing was."""
    return next(
        (name for name, condition in _USES.items() if connection.scalar(select(condition))), ""
    )


_LOST = (
    "The ledger has lost its secret: restore the table secrets from a backup, because other "
    "requestIds would be derived without it"
)
_ALTERED = (
    "The ledger's secret does not fit its fingerprint: restore the table secrets from a backup, "
    "because other requestIds would be derived with it"
)


def _other(used: str, value: bytes | None) -> str:
    remedy = "restore that file" if value is None else "unset ISSUANCE_SECRET_FILE"
    return (
        f"ISSUANCE_SECRET_FILE holds another secret than this ledger's {used} "
        f"{_CONSEQUENCES.get(used, _TWICE)}: {remedy}"
    )


_TWICE = "were made with, and files that are read again would be issued twice"
_CONSEQUENCES = {"audit log": "was written with, and it could not be verified any more"}


def keys_within(connection: Connection) -> Keys:
    """Return the keys, within a transaction of `Ledger.write`.

    Raises:
        SecretError: the secret is missing, or is not this ledger's any more.
    """
    keys: Keys = connection.get_execution_options()[KEYS](connection)
    keys.require_current(connection)
    return keys
