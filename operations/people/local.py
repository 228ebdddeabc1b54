"""A local user of the web console as a subject."""

import socket
from typing import Final

from ledger.audit_log import Operator
from ledger.people.users import find_user
from ledger.store.database import Ledger
from operations.access.roles import Role
from operations.access.subject import Grant, Subject

WAY: Final = "web"


def local_subject(ledger: Ledger, name: str) -> Subject | None:
    """Return a local user with the roles of this moment; None: disabled, or there is none."""
    user = find_user(ledger, name)
    if user is None or user.disabled_at is not None:
        return None
    known = frozenset(Role(role) for role in user.roles if role in set(Role))
    remedy = f"An admin can give another role: `issuance user roles {user.name} ROLE`"
    grant = Grant(known, "the ledger's local users say so", remedy)
    return Subject(Operator(user.name, host=socket.gethostname(), way=WAY), grant)
