"""The person on whose behalf an operation runs, and the check of their rights."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from issuance.errors import ExplainedError
from ledger.audit_log import Operator
from operations.access.roles import RIGHTS_OF, Right, Role, roles_with


class NotAllowedError(ExplainedError):
    """The subject lacks a right; nothing was done. The message says which roles have it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The roles of a subject, and why it has them."""

    roles: frozenset[Role]
    source: str
    """Where the roles come from, for people: a sentence without a full stop."""
    remedy: str
    """How the subject gets another role."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A person with roles: the first argument of every operation."""

    identity: Operator
    """Name, user id, host and way in, as the audit log has them."""
    grant: Grant

    @property
    def roles(self) -> list[Role]:
        """The roles, in the order of `Role`."""
        return [role for role in Role if role in self.grant.roles]

    @property
    def rights(self) -> list[Right]:
        """The rights of all roles, in the order of `Right`."""
        return [right for right in Right if self.may(right)]

    def may(self, right: Right) -> bool:
        """Whether one of the roles has a right."""
        return any(right in RIGHTS_OF[role] for role in self.grant.roles)

    def require(self, right: Right) -> None:
        """Make sure that the subject has a right.

        Raises:
            NotAllowedError: no role of it has the right.
        """
        if not self.may(right):
            allowed = _listed(roles_with(right))
            raise NotAllowedError(
                f"{self.identity.name} may not {right}: that needs the role {allowed}, and "
                f"{self._having()} ({self.grant.source}). {self.grant.remedy}"
            )

    def require_a_role(self) -> None:
        """Make sure that the subject has any role.

        Raises:
            NotAllowedError: it has none, so it may do nothing.
        """
        if not self.grant.roles:
            raise NotAllowedError(
                f"{self.identity.name} has no role and may do nothing ({self.grant.source}). "
                f"{self.grant.remedy}"
            )

    def acting(self, note: str = "") -> Operator:
        """Return who acts and why, for the audit log."""
        return replace(self.identity, note=note)

    def _having(self) -> str:
        if not self.grant.roles:
            return f"{self.identity.name} has none"
        return f"{self.identity.name} has {', '.join(self.roles)}"


def _listed(roles: Iterable[Role]) -> str:
    return " or ".join(roles)
