"""The roles file is read only if no other user can have written it, and each fault is named."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.roles_file import read_roles_file
from config.settings import SettingsError

KNOWN = ("viewer", "operator")
OTHER = 54_321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "roles.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return path

    return write


def test_users_and_groups_have_roles(write):
    found = read_roles_file(
        write(
            '[users]\nann = ["viewer", "operator"]\n"j.doe" = []\n"uid 1000" = ["viewer"]\n'
            '[groups]\nops = ["operator"]\n'
        ),
        KNOWN,
    )
    assert found.users == {
        "ann": {"viewer", "operator"},
        "j.doe": frozenset(),
        "uid 1000": {"viewer"},
    }
    assert found.groups == {"ops": {"operator"}}


def test_an_empty_file_gives_no_role(write):
    found = read_roles_file(write(""), KNOWN)
    assert (found.users, found.groups) == ({}, {})
    assert (found.web_groups, found.web_users) == ({}, {})


def test_groups_of_a_provider_may_be_numbers_and_names_there_have_no_case(write):
    found = read_roles_file(
        write("[web_groups]\n1000 = ['viewer']\n[web_users]\n'Ann@X.example' = 'ann'\n"), KNOWN
    )
    assert found.web_groups == {"1000": {"viewer"}}
    assert found.web_users == {"ann@x.example": "ann"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[users]\n1000 = ['viewer']\n", "users.1000: it is a number: write the user's name"),
        ("[groups]\n27 = ['viewer']\n", "groups.27: it is a number: write the group's name"),
        ("[users]\nann = 'viewer'\n", "users.ann: it is not a list of roles: write ann = ["),
        ("[users]\nann = [1]\n", "users.ann: it is not a list of roles"),
        ("[users]\nann = 7\n", "users.ann: it is not a list of roles"),
        ("[users]\nann = ['boss']\n", "users.ann: 'boss' is no role: write some of viewer, oper"),
        (
            "[users]\nj.doe = ['viewer']\n",
            'users.j: write a name that has a dot in quotes: "j.doe"',
        ),
        ("users = ['ann']\n", "users: it is not a table: write [users]"),
        ("[user]\nann = ['viewer']\n", "user: unknown; the file has the tables [users], "),
        ("[web_groups]\nops = ['boss']\n", "web_groups.ops: 'boss' is no role"),
        ("[web_users]\nann = ['viewer']\n", "web_users.ann: it is not a local user's name"),
        ("web_users = 'ann'\n", "web_users: it is not a table: write [web_users]"),
        ("[users\n", "it is not TOML"),
        ("[users]\nann = ['viewer']\nann = []\n", "line 3"),
        ("\udcff", "it is not TOML"),
    ],
)
def test_a_fault_is_named_with_its_place_and_remedy(write, tmp_path, text, fault):
    path = write("")
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SettingsError) as caught:
        read_roles_file(path, KNOWN)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")
    assert fault in line


def test_every_fault_is_named_at_once(write):
    with pytest.raises(SettingsError) as caught:
        read_roles_file(write("[users]\n7 = ['viewer']\nann = ['boss']\n[x]\n"), KNOWN)
    assert len(str(caught.value).splitlines()) == 3


def test_an_absent_file_is_an_error_and_gives_no_role(tmp_path):
    with pytest.raises(SettingsError, match=r"ISSUANCE_ROLES_FILE: .* cannot be read") as caught:
        read_roles_file(tmp_path / "absent.toml", KNOWN)
    assert "no user has a role" in str(caught.value)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_write_is_refused(write, mode):
    path = write("[users]\nann = ['viewer']\n")
    path.chmod(mode)
    with pytest.raises(SettingsError, match=r"ISSUANCE_ROLES_FILE: .*written by other users"):
        read_roles_file(path, KNOWN)


@as_root
def test_a_file_of_another_user_is_refused(write):
    path = write("")
    os.chown(path, OTHER, OTHER)
    with pytest.raises(SettingsError, match=f"belongs to the user with the number {OTHER}"):
        read_roles_file(path, KNOWN)


@as_root
def test_a_link_of_another_user_is_refused(write, tmp_path):
    link = tmp_path / "link.toml"
    link.symlink_to(write(""))
    os.chown(link, OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(SettingsError, match="belongs to the user"):
        read_roles_file(link, KNOWN)
