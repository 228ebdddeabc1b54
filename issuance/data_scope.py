"""The data scope of one call: whose data it reads or changes (rewards-api §2).

A scope is `SELF`, or `OTHER:ID[,ID]` with the organisations that the call names. A call never mixes
scopes.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

_READ_ORGS_MOST = 2
"""A read with OTHER takes at most two organisations (rewards-api §2)."""


class ScopeKind(StrEnum):
    """Whose data a call concerns."""

    SELF = "SELF"
    """The organisation that authenticates."""
    OTHER = "OTHER"
    """Child organisations, with the parent's credentials."""


def scope_of(kind: ScopeKind, org_ids: Iterable[int | str]) -> str:
    """Return the scope of a call for these organisations; `SELF` names none.

    The ids are sorted, so that calls for the same organisations have the same scope.
    """
    if kind is ScopeKind.SELF:
        return ScopeKind.SELF.value
    return f"{kind}:{','.join(sorted(set(map(str, org_ids)), key=_numerically))}"


def scope_headers(scope: str) -> Mapping[str, str]:
    """Return the headers of a call with this scope."""
    kind, _, orgs = scope.partition(":")
    headers = {"DATA-SCOPE": kind, "DATA-SCOPE-ORG": orgs}
    return {name: value for name, value in headers.items() if value}


def read_scopes(scope: str | None) -> tuple[str | None, ...]:
    """Split a call's scope into the scopes of the reads that cover it.

    None, the account's own scope, stays whole.
    """
    kind, _, orgs = (scope or "").partition(":")
    ids = orgs.split(",")
    if len(ids) <= _READ_ORGS_MOST:
        return (scope,)
    starts = range(0, len(ids), _READ_ORGS_MOST)
    return tuple(f"{kind}:{','.join(ids[start : start + _READ_ORGS_MOST])}" for start in starts)


def _numerically(org_id: str) -> tuple[int, str]:
    return len(org_id), org_id
