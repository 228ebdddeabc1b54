"""Reads the roles file (TOML): which roles system users, groups, and a provider's groups have."""

import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import SettingsError
from config.trusted_file import why_not_trusted

_SYSTEM = {"users": "user", "groups": "group"}
_ROLES = (*_SYSTEM, "web_groups")
_NAMES = "web_users"
_TABLES = (*_ROLES, _NAMES)


@dataclass(frozen=True, slots=True)
class RolesFile:
    """The contents of a roles file."""

    users: Mapping[str, frozenset[str]]
    """Roles by the name of a system user."""
    groups: Mapping[str, frozenset[str]]
    """Roles by the name of a system's group."""
    web_groups: Mapping[str, frozenset[str]]
    """Roles by the name of a group of the OpenID Connect provider or of the proxy."""
    web_users: Mapping[str, str]
    """The local user that a person of the provider or the proxy is, by the name there."""


def read_roles_file(path: Path, known: Collection[str]) -> RolesFile:
    """Read the file, if only root or this user can have written it.

    Args:
        path: the file.
        known: the roles that there are.

    Raises:
        SettingsError: it cannot be used; the message has a line for each fault, with the key and
            the remedy.
    """
    content = _content(path)
    faults = [
        f"{name}: unknown; the file has the tables {', '.join(f'[{each}]' for each in _TABLES)}, "
        'with lines such as ann = ["viewer"]'
        for name in content
        if name not in _TABLES
    ]
    tables: dict[str, dict[str, frozenset[str]]] = {}
    faults += [
        f"{table}: it is not a table: write [{table}] and lines below it"
        for table in _TABLES
        if not isinstance(content.get(table, {}), dict)
    ]
    for table in _ROLES:
        entries = content.get(table, {})
        if not isinstance(entries, dict):
            continue
        found = [fault for entry in entries.items() for fault in _faults(table, *entry, known)]
        faults += found
        if not found:
            tables[table] = {name: frozenset(roles) for name, roles in entries.items()}
    names = content.get(_NAMES, {})
    faults += _faults_of_names(names if isinstance(names, dict) else {})
    if faults:
        raise SettingsError("\n".join(f"{path}: {fault}" for fault in faults))
    return RolesFile(tables["users"], tables["groups"], tables["web_groups"], _lowered(names))


def _lowered(names: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): local for name, local in names.items()}


def _faults_of_names(names: Mapping[str, object]) -> Iterator[str]:
    for name, local in names.items():
        if not isinstance(local, str):
            yield f'{_NAMES}.{name}: it is not a local user\'s name: write "{name}" = "ann"'


def _content(path: Path) -> Mapping[str, Any]:
    try:
        links = path.lstat()
        with path.open("rb") as file:
            # What is read is what was checked, even if the name means another file by now.
            if why := why_not_trusted(path, links, os.fstat(file.fileno())):
                raise SettingsError(f"ISSUANCE_ROLES_FILE: {why}")
            text = file.read().decode()
        return tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"ISSUANCE_ROLES_FILE: {path} cannot be read ({type(error).__name__}): create it, or "
            "correct the setting; without it no user has a role"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: it is not TOML: {error}; correct that place") from None


def _faults(table: str, name: str, roles: object, known: Collection[str]) -> Iterator[str]:
    key, kind = f"{table}.{name}", _SYSTEM.get(table)
    if kind and name.isdecimal():
        yield (
            f"{key}: it is a number: write the {kind}'s name, which `getent "
            f"{'passwd' if kind == 'user' else 'group'} {name}` shows"
        )
    if isinstance(roles, dict):
        yield f'{key}: write a name that has a dot in quotes: "{name}.{next(iter(roles), "…")}"'
        return
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        yield f'{key}: it is not a list of roles: write {name} = ["viewer"]'
        return
    for role in roles:
        if role not in known:
            yield f"{key}: {role!r} is no role: write some of {', '.join(known)}"
