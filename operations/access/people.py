"""The person on the console: the system's user of this process, with its roles."""

import grp
import os
from collections.abc import Iterable
from pathlib import Path

from config.roles_file import read_roles_file
from config.system_user import system_user
from ledger.audit_log import Operator
from ledger.store.database import ledger_file
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.services import Services

_EVERY_ROLE = frozenset(Role)


def person_on_console(services: Services) -> Subject:
    """Return the user of this process as a subject; the roles file is read now.

    The user is the one that the kernel knows. `sudo` makes it the user that it changes to, so all
    persons that may do that are one subject.

    Raises:
        SettingsError: the roles file cannot be used.
        LedgerError: the ledger's URL is wrong.
    """
    user = system_user()
    identity = Operator(user.name, uid=user.uid, host=user.host, claimed=services.settings.operator)
    return Subject(identity, grant_of_system_user(services, user.name, user.uid, group_names()))


def grant_of_system_user(services: Services, name: str, uid: int, groups: Iterable[str]) -> Grant:
    """Return the roles of a user of the system; the roles file is read now.

    Raises:
        SettingsError: the roles file cannot be used.
        LedgerError: the ledger's URL is wrong.
    """
    file = services.settings.roles_file
    if file is None:
        return _of_owner(services.servers.ledger_url, uid)
    return _of_file(file, name, groups)


def group_names() -> list[str]:
    """Return the names of this process's groups, in order; a group without a name is left out."""
    names = set()
    for number in {os.getgid(), *os.getgroups()}:
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return sorted(names)


def _of_file(file: Path, user: str, groups: Iterable[str]) -> Grant:
    found = read_roles_file(file, list(Role))
    given = {f"users.{user}": found.users.get(user, frozenset())} | {
        f"groups.{group}": found.groups.get(group, frozenset()) for group in groups
    }
    keys = [key for key, roles in given.items() if roles]
    return Grant(
        frozenset(Role(role) for roles in given.values() for role in roles),
        f"{file} says so: {', '.join(keys)}"
        if keys
        else f"{file} names neither this user nor one of its groups",
        f"The owner of {file} can add a role there",
    )


def _of_owner(url: str, uid: int) -> Grant:
    """Grant every role to the owner of the ledger, and none to others."""
    file = ledger_file(url)
    if file is None:
        return Grant(
            _EVERY_ROLE,
            "there is no roles file, and the login of the ledger's database gives every role",
            "",
        )
    try:
        owner = file.stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        owner = uid  # the user that creates it
    if owner == uid:
        return Grant(_EVERY_ROLE, f"there is no roles file, and this user owns {file}", "")
    return Grant(
        frozenset(),
        f"there is no roles file, and {file} belongs to another user",
        "Run this as its owner, or name the users and their roles in a file and that file in "
        "ISSUANCE_ROLES_FILE",
    )
