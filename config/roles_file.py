"""Reads the roles file (TOML): which roles each system user and each group has."""

import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.settings import SettingsError
from config.trusted_file import why_not_trusted

_TABLES = ("users", "groups")
_KINDS = {"users": "user", "groups": "group"}


@dataclass(frozen=True, slots=True)
class RolesFile:
    """The contents of a roles file: roles by the name of a system user or group."""

    users: Mapping[str, frozenset[str]]
    groups: Mapping[str, frozenset[str]]


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
        f"{name}: unknown; the file has the tables [users] and [groups], with lines such as "
        'ann = ["viewer"]'
        for name in content
        if name not in _TABLES
    ]
    tables: dict[str, dict[str, frozenset[str]]] = {}
    for table in _TABLES:
        entries = content.get(table, {})
        if not isinstance(entries, dict):
            faults.append(f"{table}: it is not a table: write [{table}] and lines below it")
            continue
        found = [fault for entry in entries.items() for fault in _faults(table, *entry, known)]
        faults += found
        if not found:
            tables[table] = {name: frozenset(roles) for name, roles in entries.items()}
    if faults:
        raise SettingsError("\n".join(f"{path}: {fault}" for fault in faults))
    return RolesFile(tables["users"], tables["groups"])


def _content(path: Path) -> Mapping[str, object]:
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
    key, kind = f"{table}.{name}", _KINDS[table]
    if name.isdecimal():
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
