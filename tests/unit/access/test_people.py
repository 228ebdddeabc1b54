"""On the console a person is the system's user of the process, with the roles of a file."""

import grp
import os
from pathlib import Path

import pytest

from config.endpoints import Servers
from config.settings import Settings, SettingsError
from config.system_user import system_user
from operations.access.people import group_names, person_on_console
from operations.access.roles import Role
from operations.services import Services

OTHER = 54_321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
ME = system_user().name


def services(ledger_url: str = "sqlite:////absent/ledger.db", **settings: object) -> Services:
    return Services(Settings(**settings), Servers(ledger_url, "", "", "", 0))  # type: ignore[arg-type]


def roles_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "roles.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_a_user_has_the_roles_of_its_name_and_of_its_groups(tmp_path):
    group = group_names()[0]
    file = roles_file(
        tmp_path,
        f'[users]\n"{ME}" = ["viewer"]\nanother = ["admin"]\n'
        f'[groups]\n"{group}" = ["issuer"]\nno-such-group = ["approver"]\n',
    )
    subject = person_on_console(services(roles_file=file))
    assert subject.roles == [Role.VIEWER, Role.ISSUER]
    assert subject.grant.source == f"{file} says so: users.{ME}, groups.{group}"


def test_supplementary_groups_count(monkeypatch):
    extra = next(each for each in grp.getgrall() if each.gr_gid != os.getgid())
    monkeypatch.setattr(os, "getgroups", lambda: [extra.gr_gid, 4_000_000_000])
    assert extra.gr_name in group_names()
    assert grp.getgrgid(os.getgid()).gr_name in group_names()


def test_with_a_file_even_the_owner_of_the_ledger_has_only_its_roles(tmp_path):
    ledger = tmp_path / "ledger.db"
    ledger.touch()
    file = roles_file(tmp_path, "[users]\nanother = ['admin']\n")
    subject = person_on_console(services(f"sqlite:///{ledger}", roles_file=file))
    assert subject.roles == []
    assert "names neither this user nor one of its groups" in subject.grant.source


def test_a_file_is_read_at_each_command(tmp_path):
    file = roles_file(tmp_path, "")
    ours = services(roles_file=file)
    assert person_on_console(ours).roles == []
    roles_file(tmp_path, f'[users]\n"{ME}" = ["approver"]\n')
    assert person_on_console(ours).roles == [Role.APPROVER]


def test_a_file_with_a_fault_gives_no_role(tmp_path):
    file = roles_file(tmp_path, f'[users]\n"{ME}" = ["boss"]\n')
    with pytest.raises(SettingsError, match="'boss' is no role"):
        person_on_console(services(roles_file=file))


def test_neither_sudo_nor_the_claimed_name_gives_a_role(tmp_path, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "ann")
    monkeypatch.setenv("LOGNAME", "ann")
    file = roles_file(tmp_path, "[users]\nann = ['admin']\n")
    subject = person_on_console(services(roles_file=file, operator="ann"))
    assert subject.roles == []
    assert (subject.identity.name, subject.identity.claimed) == (ME, "ann")


def test_without_a_file_the_owner_of_the_ledger_has_every_role(tmp_path):
    ledger = tmp_path / "ledger.db"
    absent = person_on_console(services(f"sqlite:///{ledger}"))
    assert absent.roles == list(Role)  # the user that creates it will own it
    ledger.touch()
    subject = person_on_console(services(f"sqlite:///{ledger}"))
    assert subject.roles == list(Role)
    assert subject.grant.source == f"there is no roles file, and this user owns {ledger}"


@as_root
def test_without_a_file_another_user_than_the_owner_has_no_role(tmp_path):
    ledger = tmp_path / "ledger.db"
    ledger.touch()
    os.chown(ledger, OTHER, OTHER)
    subject = person_on_console(services(f"sqlite:///{ledger}"))
    assert subject.roles == []
    assert "belongs to another user" in subject.grant.source
    assert "ISSUANCE_ROLES_FILE" in subject.grant.remedy


def test_without_a_file_the_login_of_a_database_server_gives_every_role():
    subject = person_on_console(services("postgresql://app:secret@db.test/ledger"))
    assert subject.roles == list(Role)
    assert "login of the ledger's database" in subject.grant.source
    assert "secret" not in subject.grant.source
