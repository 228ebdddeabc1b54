"""People whom an OpenID Connect provider or a trusted proxy has logged in, and their roles."""

import socket
from collections.abc import Collection
from dataclasses import dataclass

from config.roles_file import RolesFile, read_roles_file
from ledger.audit_log import Operator
from ledger.people.users import find_user
from ledger.store.database import Ledger
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.people.local import WAY, local_subject
from operations.services import Services

_LONGEST_NAME = 255
_NO_FILE = RolesFile({}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """A person as a provider or a proxy names them; `name` is in lower case.

    Case is dropped: the same person in another spelling must not be a second one, who could
    approve.
    """

    name: str
    groups: tuple[str, ...] = ()

    @classmethod
    def named(cls, name: str, groups: Collection[str]) -> "ExternalPerson | None":
        """Make a person of what is claimed; None: that cannot be a name."""
        shown = name.strip().lower()
        if not shown or len(shown) > _LONGEST_NAME or not shown.isprintable():
            return None
        return cls(shown, tuple(sorted({group for group in groups if group.isprintable()})))


def external_subject(services: Services, ledger: Ledger, person: ExternalPerson) -> Subject:
    """Return the person as a subject; the roles file is read now.

    A person whom `[web_users]` names is that local user, with the user's roles. Otherwise the roles
    are those of the groups in `[web_groups]`, and a person with the name of a local user has none.

    Raises:
        SettingsError: the roles file cannot be used.
    """
    path = services.settings.roles_file
    rules = _NO_FILE if path is None else read_roles_file(path, list(Role))
    where = path or "the file that ISSUANCE_ROLES_FILE names"
    local = rules.web_users.get(person.name)
    if local is not None:
        subject = local_subject(ledger, local)
        return subject or _without_roles(
            person,
            f"{where} says that this is the local user {local}, who is disabled or missing",
            f"An admin can change that: `issuance user enable {local}`",
        )
    if find_user(ledger, person.name) is not None:
        return _without_roles(
            person,
            "a local user has this name, and no rule says that both are one person",
            f'An admin can write "{person.name}" = "{person.name}" below [web_users] in {where}',
        )
    given = {group: rules.web_groups.get(group, frozenset()) for group in person.groups}
    keys = sorted(f"web_groups.{group}" for group, roles in given.items() if roles)
    if not keys:
        return _without_roles(
            person,
            "none of their groups has a role" if person.groups else "they are in no group",
            f"An admin can give a group a role below [web_groups] in {where}",
        )
    roles = frozenset(Role(role) for roles in given.values() for role in roles)
    remedy = f"An admin can add a role below [web_groups] in {where}"
    return _subject(person, Grant(roles, f"{where} says so: {', '.join(keys)}", remedy))


def _without_roles(person: ExternalPerson, source: str, remedy: str) -> Subject:
    return _subject(person, Grant(frozenset(), source, remedy))


def _subject(person: ExternalPerson, grant: Grant) -> Subject:
    return Subject(Operator(person.name, host=socket.gethostname(), way=WAY), grant)
