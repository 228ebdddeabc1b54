"""`issuance prune`: its output, its archive, and the campaign afterwards."""

import gzip
import json
import stat

import pytest
from sqlalchemy import update

from ledger.retention.pruning import PrunedJob
from ledger.store.schema import jobs
from operations.archive import Archive
from tests.contract.ledger.build import answer, issue, judge, make_job, make_jobs, refuse, say

_DAY_MS = 86_400_000


@pytest.fixture
def aged(desk):
    """Twenty lines issued and one failed forty days ago, and a waiting line."""
    desk.accept(*make_jobs(20, campaign="spring"))
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    desk.settle(make_job(30, campaign="spring"), refuse())
    with desk.ledger.write() as connection:
        back = 40 * _DAY_MS
        connection.execute(
            update(jobs).values(
                accepted_at=jobs.c.accepted_at - back, settled_at=jobs.c.settled_at - back
            )
        )
    desk.accept(make_job(40, campaign="spring"))
    return desk


def test_a_dry_run_counts_the_jobs_to_remove_and_to_keep(run, aged, tmp_path):
    result = run("prune", "--older-than", 30, "--dry-run", "--archive", tmp_path / "old.jsonl.gz")
    assert result.stdout.splitlines() == [
        "would prune 20 jobs (20 lines), settled more than 30 days ago",
        "kept: 1 job with an open dead letter (`issuance dead-letters list`)",
    ]
    assert not (tmp_path / "old.jsonl.gz").exists()
    assert json.loads(run("status", "spring", "--json").stdout)["pruned"] == 0


def test_the_archive_holds_every_job_and_only_its_owner_can_read_it(run, aged, tmp_path):
    path = tmp_path / "old.jsonl.gz"
    result = run("prune", "--older-than", 30, "--archive", path)
    assert result.stdout.startswith(
        "pruned 20 jobs (20 lines), settled more than 30 days ago, archived in "
    )
    found = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert [entry["job"]["id"] for entry in found] == [
        job.id for job in make_jobs(20, campaign="spring")
    ]
    first = found[0]
    assert json.loads(first["job"]["body"])["rewards"][0]["requestId"] == first["job"]["id"]
    assert (first["campaign"], first["lines"][0]["state"], first["attempts"][0]["number"]) == (
        "spring",
        "issued",
        1,
    )
    assert first["dead_letter"] is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_archive_has_details_by_the_names_of_the_api(run, desk, tmp_path):
    desk.accept(*make_jobs(2, campaign="spring"))
    held = desk.take()
    coupon = {"couponCode": "A-1", "pointsRedeemed": "5", "codeExpiry": "2027-01-01 00:00:00"}
    desk.record(
        held,
        *(
            judge(job, answer(say(job.lines[0], vouchers=(), intouch=[coupon])))
            for job in held.jobs
        ),
    )
    with desk.ledger.write() as connection:
        back = 40 * _DAY_MS
        connection.execute(
            update(jobs).values(
                accepted_at=jobs.c.accepted_at - back, settled_at=jobs.c.settled_at - back
            )
        )
    path = tmp_path / "old.jsonl.gz"
    assert run("prune", "--older-than", 30, "--archive", path).exit_code == 0
    [entry] = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    del coupon["couponCode"]
    assert json.loads(entry["lines"][0]["details"]) == {"each": coupon}


def test_an_archive_that_exists_is_not_touched_and_nothing_is_removed(run, aged, tmp_path):
    path = tmp_path / "old.jsonl.gz"
    path.write_text("precious")
    result = run("prune", "--older-than", 30, "--archive", path)
    assert (result.exit_code, path.read_text()) == (2, "precious")
    assert "give the archive another name" in result.stderr
    assert json.loads(run("status", "spring", "--json").stdout)["pruned"] == 0


def test_a_symlink_planted_for_an_archive_is_not_followed(run, aged, tmp_path):
    path, target = tmp_path / "old.jsonl.gz", tmp_path / "target"
    path.symlink_to(target)
    result = run("prune", "--older-than", 30, "--archive", path)
    assert (result.exit_code, target.exists()) == (2, False)
    assert "give the archive another name" in result.stderr
    assert json.loads(run("status", "spring", "--json").stdout)["pruned"] == 0


def test_a_symlink_planted_while_an_archive_is_written_is_not_followed(tmp_path):
    path, target = tmp_path / "old.jsonl.gz", tmp_path / "target"
    keep = Archive(path)
    keep([])
    written = path.read_bytes()
    path.rename(target)
    path.symlink_to(target)
    with pytest.raises(FileExistsError, match="another file has its name now"):
        keep([])
    assert target.read_bytes() == written
    path.unlink()
    with pytest.raises(FileNotFoundError):
        keep([])


def test_an_archive_of_several_pages_is_one_file_without_drafts(tmp_path):
    path = tmp_path / "old.jsonl.gz"
    keep = Archive(path)
    for number in range(3):
        keep([PrunedJob(f"c{number}", {"id": "x"})])
    found = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert [entry["campaign"] for entry in found] == ["c0", "c1", "c2"]
    assert list(tmp_path.glob("old*")) == [path]


def test_an_archive_that_cannot_be_written_removes_nothing(run, aged, tmp_path):
    result = run("prune", "--older-than", 30, "--archive", tmp_path / "nowhere" / "old.jsonl.gz")
    assert result.exit_code == 2
    assert "pruned 0 jobs" in result.stdout
    assert json.loads(run("status", "spring", "--json").stdout)["pruned"] == 0


def test_a_pruned_campaign_stays_balanced_and_accepts_no_row_twice(
    run, write_file, home, desk, monkeypatch
):
    path = write_file(*(f"9198000000{number:02},1001" for number in range(10)))
    assert run("blast", path, "--campaign", "spring").exit_code == 0
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    with desk.ledger.write() as connection:
        connection.execute(
            update(jobs).values(
                accepted_at=jobs.c.accepted_at - _DAY_MS * 40,
                settled_at=jobs.c.settled_at - _DAY_MS * 40,
            )
        )
    assert run("prune", "--older-than", 30, "--vacuum").exit_code == 0
    output = json.loads(run("status", "spring", "--json").stdout)
    assert (output["accepted"], output["issued"], output["pruned"], output["balanced"]) == (
        10,
        10,
        9,
        True,
    )
    assert "issued 10 · (9 of them pruned)" in run("status").stdout
    again = run("blast", path, "--campaign", "spring")
    assert "0 accepted, 10 already known, 0 refused" in again.stdout + again.stderr
    listed = run("outcomes", "spring", "--format", "jsonl")
    assert listed.stdout.count("\n") == 1
    assert "Not listed: 9 pruned lines of spring." in listed.stderr


def test_a_pruned_request_that_is_issued_again_shows_its_state(run, desk):
    options = ("--mobile", "919800000001", "--reward-id", 1001, "--key", "order-17")
    request_id = run("issue", *options).stdout.strip()
    held = desk.take(lane="background")
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    desk.accept(make_job(40, campaign="spring"))
    with desk.ledger.write() as connection:
        connection.execute(
            update(jobs).values(
                accepted_at=jobs.c.accepted_at - _DAY_MS * 40,
                settled_at=jobs.c.settled_at - _DAY_MS * 40,
            )
        )
    assert "pruned 1 job (1 line)" in run("prune", "--older-than", 30).stdout
    result = run("issue", *options, "--wait")
    assert (result.exit_code, result.stdout.strip()) == (0, request_id)
    assert "issued · its details were pruned" in result.stderr
