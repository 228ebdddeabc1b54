"""`issuance blast` with files as people have them: formats, spellings, cuts, the errors file."""

import gzip
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from console.main import command_line
from issuance.states import State
from ledger.campaigns import list_campaigns
from ledger.store.schema import intakes, jobs, lines
from producers.source import blocks
from tests.unit.producers_fields.test_country import ONE_PERSON
from tests.workbooks import write_workbook

HEADER = ("mobile", "rewardId")
ROWS = [(919800000000 + at, 1001) for at in range(1, 4)]
TEXT = "mobile,rewardId\n" + "".join(f"{mobile},{reward}\n" for mobile, reward in ROWS)
ARRAY = "[" + ",".join(f'{{"mobile": "{mobile}", "rewardId": 1001}}' for mobile, _ in ROWS) + "]"


def request_ids(ledger):
    with ledger.read() as connection:
        return set(connection.scalars(select(lines.c.request_id)))


def customers(ledger):
    with ledger.read() as connection:
        return sorted(connection.scalars(select(jobs.c.customer)))


@pytest.fixture
def run_with():
    """Run a command with this standard input."""

    def invoke(content, *arguments):
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(command_line(), words, input=content, catch_exceptions=False)

    return invoke


def test_every_format_of_a_file_is_the_same_campaign(run, run_with, ledger, tmp_path):
    formats = {
        "a.csv": TEXT.encode(),
        "a.csv.gz": gzip.compress(TEXT.encode()),
        "a.csv.zst": blocks.zstd.compress(TEXT.encode()),
        "a.txt": TEXT.replace(",", "\t").encode("utf-16"),
        "sep.csv": f"sep=;\r\n{TEXT.replace(',', ';')}".encode(),
        "formula.csv": TEXT.replace("9198", '="9198').replace(",1001", '",1001').encode(),
        "a.json": ARRAY.encode(),
    }
    for name, content in formats.items():
        (tmp_path / name).write_bytes(content)
    write_workbook(tmp_path / "a.xlsx", {"Customers": [HEADER, *ROWS]})

    for number, name in enumerate([*formats, "a.xlsx"]):
        result = run("blast", tmp_path / name, "--campaign", "spring")
        accepted, known = (3, 0) if number == 0 else (0, 3)
        assert result.stdout == (
            f"spring: {accepted} accepted, {known} already known, 0 refused of 3 rows\n"
        ), name
    piped = run_with(TEXT.encode(), "blast", "-", "--campaign", "spring")
    assert piped.stdout == "spring: 0 accepted, 3 already known, 0 refused of 3 rows\n"
    assert len(request_ids(ledger)) == 3


@pytest.mark.parametrize("spelling", ["spring ", " spring", "spring\N{NO-BREAK SPACE}"])
def test_another_spelling_of_a_campaigns_name_adds_nothing(run, write_file, ledger, spelling):
    path = write_file("919800000001,1001")
    run("blast", path, "--campaign", "spring")
    again = run("blast", path, "--campaign", spelling)
    assert again.stdout == "spring: 0 accepted, 1 already known, 0 refused of 1 row\n"
    assert run("status", spelling, "--json").stdout.startswith('{"campaign":"spring"')
    issued = run("issue", "--mobile", "919800000009", "--reward-id", 1, "--campaign", spelling)
    assert issued.exit_code == 0
    assert [each.name for each in list_campaigns(ledger)] == ["spring"]


def test_with_the_country_known_every_spelling_is_one_person(run, write_file, ledger):
    path = write_file(*(f'"{text}",1001' for text in ONE_PERSON))
    result = run("blast", path, "--campaign", "spring", "--country", "IN")
    assert result.exit_code == 3
    assert f"1 accepted, 0 already known, {len(ONE_PERSON) - 1} refused" in result.stdout
    assert f"{len(ONE_PERSON) - 2} rows read from another spelling:" in result.stderr
    assert customers(ledger) == ["mobile:919800000001"]


def test_the_accounts_country_is_used_by_every_way_in(run, write_file, ledger, monkeypatch):
    monkeypatch.setenv("ISSUANCE_API_COUNTRY", "IN")
    run("blast", write_file("(98000) 00001,1001"), "--campaign", "spring")
    issued = run("issue", "--mobile", "098000-00002", "--reward-id", 1001)
    assert issued.exit_code == 0
    assert customers(ledger) == ["mobile:919800000001", "mobile:919800000002"]


ACCOUNTS = """
[accounts.north]
url = "https://north.example.test"
till = "till.north"
brand = "NORTH"
password_env = "PASSWORD"
country = "IN"

[accounts.south]
url = "https://south.example.test"
till = "till.south"
brand = "SOUTH"
password_env = "PASSWORD"
country = "DE"
"""


def test_a_campaigns_own_account_says_the_country_of_a_later_run(
    run, write_file, ledger, tmp_path, monkeypatch
):
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    monkeypatch.setenv("ISSUANCE_ACCOUNTS_FILE", str(tmp_path / "accounts.toml"))
    monkeypatch.setenv("PASSWORD", "made up")
    path = write_file("09800000001,1001")
    first = run("blast", path, "--campaign", "spring", "--account", "north")
    again = run("blast", path, "--campaign", "spring")
    assert first.stdout.startswith("spring: 1 accepted, 0 already known")
    assert again.stdout.startswith("spring: 0 accepted, 1 already known")
    assert customers(ledger) == ["mobile:919800000001"]
    other = run("blast", write_file("0151 23456789,1001"), "--campaign", "s", "--account", "south")
    assert other.stdout.startswith("s: 1 accepted")
    assert customers(ledger) == ["mobile:4915123456789", "mobile:919800000001"]


def test_the_old_option_still_warns_and_names_the_new_one(run, write_file):
    path = write_file("9800000001,1001")
    result = run("blast", path, "--campaign", "spring", "--country-code", "91")
    assert result.exit_code == 0
    assert "--country-code is deprecated" in result.stderr
    assert "does not begin with the country code 91" in result.stderr


def test_columns_under_other_names_are_named_before_anything_is_accepted(run, write_file):
    path = write_file("919800000001,1001,2", header="Phone,Reward,Qty")
    result = run("blast", path, "--campaign", "spring")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[0] == (
        "Read 'Phone' as mobile, 'Reward' as rewardId, 'Qty' as quantity; --map THEIRS=OURS reads "
        "them otherwise."
    )


def test_a_workbooks_sheet_and_rows_are_named(run, tmp_path):
    sheets = {"Customers": [HEADER, ROWS[0], (12, 1001), ROWS[0]], "Notes": [("x",)]}
    path = write_workbook(tmp_path / "a.xlsx", sheets)
    result = run("blast", path, "--campaign", "spring")
    assert result.exit_code == 3
    assert "Reading sheet 'Customers'; not 'Notes'" in result.stderr
    assert "sheet 'Customers', row 3, mobile:" in result.stderr
    assert "sheet 'Customers', row 4: the same customer and reward as row 2" in result.stderr
    assert (tmp_path / "a.errors.csv").read_text().splitlines()[0].startswith("sheet,row,field")


@pytest.mark.parametrize("last", ["1001,91980000000", "100,919800000002"])
def test_a_row_that_may_be_cut_is_warned_of_and_refused_when_strict(run, tmp_path, desk, last):
    path = tmp_path / "cut.csv"
    path.write_text(f"rewardId,mobile\n1001,919800000001\n{last}")
    strict = run("blast", path, "--campaign", "spring", "--strict")
    assert (strict.exit_code, desk.counts()) == (3, {State.WAITING: 1})
    assert "the file may be cut" in strict.stderr
    result = run("blast", path, "--campaign", "spring")
    assert result.exit_code == 0
    assert "last line without a line end: 1 row (line 3)" in result.stderr


def test_a_cut_file_keeps_its_whole_rows_and_says_so(run, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(ARRAY[:-30])
    result = run("blast", path, "--campaign", "spring")
    assert result.exit_code == 3
    assert result.stdout.startswith("spring: 2 accepted, 0 already known, 1 refused of 3 rows")
    assert "the file is cut: its JSON array is not closed" in result.stderr


@pytest.mark.parametrize("errors", ["/proc/errors.csv", "."])
def test_an_errors_file_that_cannot_be_written_stops_the_blast_first(
    run, write_file, ledger, errors
):
    path = write_file("919800000001,1001", "12,1001")
    result = run("blast", path, "--campaign", "spring", "--errors", errors)
    assert result.exit_code == 2
    assert "Nothing was done" in result.stderr
    assert request_ids(ledger) == set()
    assert list_campaigns(ledger) == []


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
@pytest.mark.parametrize("is_link", [True, False])
def test_an_errors_file_never_replaces_another_file(run, write_file, ledger, options, is_link):
    path = write_file("919800000001,1001", "12,1001")
    precious, errors = path.with_name("precious"), path.with_name("spring.errors.csv")
    precious.write_text("precious")
    errors.symlink_to(precious) if is_link else errors.write_text("precious")
    result = run("blast", path, "--campaign", "spring", *options)
    assert result.exit_code == 2
    assert ("symbolic link" if is_link else "no errors file") in result.stderr
    assert "Nothing was done; name another with --errors" in result.stderr
    assert (errors.read_text(), precious.read_text()) == ("precious", "precious")
    assert list_campaigns(ledger) == []


def test_when_the_errors_file_fails_the_good_rows_are_accepted_and_the_others_printed(
    run, write_file, desk
):
    good = [f"9198{at:08d},1001" for at in range(1, 5_500)]
    path = write_file(good[0], "12,1001", *good[1:], "13,1001")
    result = run("blast", path, "--campaign", "spring", "--errors", "/dev/full")
    assert result.exit_code == 3
    assert desk.counts() == {State.WAITING: len(good)}
    assert "No space left on device. The good rows are accepted" in result.stderr
    printed = [line.split(":")[0].strip() for line in result.stderr.splitlines()]
    assert [line for line in printed if line.startswith("line ")] == [
        "line 3, mobile",
        "line 5502, mobile",
    ]
    assert result.stdout.endswith("2 refused of 5,501 rows (errors printed above)\n")


def test_ctrl_c_in_a_pipe_accepts_no_row_that_it_cut(ledger, tmp_path):
    command = [sys.executable, "-m", "console", "blast", "-", "--campaign", "spring"]
    reading, writing = os.pipe()
    with subprocess.Popen(command, stdin=reading, stdout=subprocess.PIPE, text=True) as blast:
        os.close(reading)
        write = partial(os.write, writing)
        write(b"rewardId,mobile\n1001,919800000001\n1001,91980000")
        while not is_reading(ledger):
            pass
        blast.send_signal(signal.SIGINT)
        wait_until_handled(blast.pid)
        os.close(writing)
        out, _ = blast.communicate(timeout=60)
    assert blast.returncode == 130
    assert "1 accepted, 0 already known, 1 refused" in out
    assert customers(ledger) == ["mobile:919800000001"]


def is_reading(ledger):
    with ledger.read() as connection:
        return connection.execute(select(intakes.c.id)).first() is not None


def wait_until_handled(pid):
    """Wait until the process has no signal pending."""
    while True:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        pending = [line.split()[1] for line in status if line.startswith(("SigPnd", "ShdPnd"))]
        if not any(int(mask, 16) for mask in pending):
            return
