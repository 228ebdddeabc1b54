"""Commands of another system user: its roles come from a file, and the refused ones do nothing."""

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from issuance.states import CampaignState
from ledger.audit_log import actions_on
from ledger.campaigns import find_campaign
from ledger.store.database import Ledger

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as another user"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is missing"),
]
_SECONDS = 60
_CAMPAIGN = "spring"
_MOBILE = "919800000001"
# It may read the interpreter and the folder of the test, which can be root's alone; all else is
# checked by the kernel as for any user.
_CAPABILITIES = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def other() -> pwd.struct_passwd:
    return next(each for each in pwd.getpwall() if each.pw_uid != 0)


@pytest.fixture
def group(other: pwd.struct_passwd) -> grp.struct_group:
    """A group that the user gets as a supplementary one."""
    return next(each for each in grp.getgrall() if each.gr_gid not in (0, other.pw_gid))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")}
    return kept | {
        "ISSUANCE_HOME": str(tmp_path / "home"),
        "ISSUANCE_LEDGER_URL": f"sqlite:///{tmp_path}/state/ledger.db",
        "ISSUANCE_OPERATOR": "asha",
        # Neither names the user.
        "LOGNAME": "root",
        "SUDO_USER": "root",
    }


@pytest.fixture
def as_root(tmp_path: Path, environment: dict[str, str]) -> Command:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return _run([sys.executable, "-m", "console", *arguments], tmp_path, environment)

    return run


@pytest.fixture
def as_other(
    tmp_path: Path,
    environment: dict[str, str],
    other: pwd.struct_passwd,
    group: grp.struct_group,
) -> Command:
    changed = ["setpriv", f"--reuid={other.pw_uid}", f"--regid={other.pw_gid}"]
    changed += [f"--groups={group.gr_gid}", *_CAPABILITIES, sys.executable]
    probe = subprocess.run([*changed, "-c", "import console"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"another user cannot run Python here: {probe.stderr.decode()[-200:]}")

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return _run([*changed, "-m", "console", *arguments], tmp_path, environment)

    return run


def _run(
    command: list[str], folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@pytest.fixture
def ledger_url(
    tmp_path: Path, environment: dict[str, str], as_root: Command, other: pwd.struct_passwd
) -> str:
    """A ledger with one accepted row, which then belongs to the other user."""
    state = tmp_path / "state"
    state.mkdir()
    file = tmp_path / "rows.csv"
    file.write_text(f"mobile,rewardId\n{_MOBILE},1001\n", encoding="utf-8")
    for command in (["migrate"], ["blast", str(file), "--campaign", _CAMPAIGN]):
        done = as_root(*command)
        assert done.returncode == 0, done.stderr
    for path in (state, *state.iterdir()):
        os.chown(path, other.pw_uid, other.pw_gid)
    return environment["ISSUANCE_LEDGER_URL"]


@pytest.fixture
def give(tmp_path: Path, environment: dict[str, str]) -> Callable[[str], None]:
    """Write root's roles file."""

    def give(text: str) -> None:
        path = tmp_path / "roles.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        environment["ISSUANCE_ROLES_FILE"] = str(path)

    return give


def test_a_user_does_what_its_roles_allow_and_nothing_else(
    ledger_url, give, group, other, as_other
):
    give(f'[groups]\n"{group.gr_name}" = ["viewer"]\n')
    assert as_other("status").returncode == 0
    shown = as_other("outcomes", _CAMPAIGN)
    assert shown.returncode == 0, shown.stderr
    assert _MOBILE not in shown.stdout

    for refused in (
        ("campaign", "pause", _CAMPAIGN),
        ("campaign", "cancel", _CAMPAIGN, "--yes"),
        ("outcomes", _CAMPAIGN, "--reveal"),
        ("blast", "-", "--campaign", "another"),
        ("issue", "--mobile", _MOBILE, "--reward-id", "1001"),
        ("prune", "--older-than", "1"),
        ("backup", "copy.db"),
        ("migrate",),
    ):
        done = as_other(*refused)
        assert done.returncode == 77, (refused, done.stdout, done.stderr)
        assert done.stdout == ""
        assert f"{other.pw_name} may not" in done.stderr
        assert f"groups.{group.gr_name}" in done.stderr
    with Ledger(ledger_url) as ledger:
        assert find_campaign(ledger, _CAMPAIGN).state is CampaignState.RUNNING
        before = actions_on(ledger, f"campaign:{_CAMPAIGN}")
        assert {entry.subject for entry in before} == {"root"}

    give(f'[users]\n{other.pw_name} = ["operator", "revealer"]\n')
    paused = as_other("campaign", "pause", _CAMPAIGN)
    assert paused.returncode == 0, paused.stderr
    assert _MOBILE in as_other("outcomes", _CAMPAIGN, "--reveal").stdout
    with Ledger(ledger_url) as ledger:
        assert find_campaign(ledger, _CAMPAIGN).state is CampaignState.PAUSED
        added = actions_on(ledger, f"campaign:{_CAMPAIGN}")[len(before) :]
        assert [entry.verb for entry in added] == ["pause", "reveal"]
        assert {entry.subject for entry in added} == {other.pw_name}


def test_a_user_without_a_role_is_refused_everything(ledger_url, give, as_other):
    give("[users]\nroot = ['admin']\n")
    for command in (("status",), ("health",), ("outcomes", _CAMPAIGN), ("account", "list")):
        done = as_other(*command)
        assert done.returncode == 77, (command, done.stderr)
        assert "has no role and may do nothing" in done.stderr
    assert as_other("whoami").returncode == 0


def test_without_a_file_the_owner_of_the_ledger_has_every_role_and_others_none(
    ledger_url, other, as_other, as_root
):
    who = json.loads(as_other("whoami", "--json").stdout)
    assert (who["subject"], who["uid"], who["claimed"]) == (other.pw_name, other.pw_uid, "asha")
    assert {"admin", "revealer"} <= set(who["roles"])
    assert as_other("campaign", "pause", _CAMPAIGN).returncode == 0
    refused = as_root("status")
    assert refused.returncode == 77
    assert "belongs to another user" in refused.stderr


def test_a_file_that_another_user_could_have_written_is_refused(give, tmp_path, as_other, as_root):
    give("[users]\nroot = ['admin']\n")
    (tmp_path / "roles.toml").chmod(0o666)
    for run in (as_other, as_root):
        done = run("status")
        assert done.returncode == 2
        assert "roles.toml can be written by other users" in done.stderr
