"""The page of a report: bounded, well-formed, without script, and safe whatever names hold."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from issuance.outcome import Kind
from operations.report.marks import MOST_CLOSED, closed_times, make_marks
from operations.report.page import MOST_BYTES, html_report
from operations.report.rows import COLUMNS, csv_report

BEGIN, END = "2026-11-29T10:00:00.000Z", "2026-11-29T11:00:00.000Z"
LATER = "2026-11-29T10:30:00.000Z"
HOSTILE = '</style><script>alert(1)</script>"\\ & =cmd|calc'
_VOID = {"meta", "br", "input", "link"}


def act(verb="set", at=LATER, **more):
    found = {"at": at, "by": "ann", "verb": verb, "before": "a", "after": "b", "reason": "why"}
    return found | more


def statement(**more):
    sums = {"lines": 100, "units": 120, "points": "12.5"}
    return {
        "campaign": {
            "name": "spring",
            "account": "default",
            "endedAs": "finished",
            "startedAt": BEGIN,
            "finishedAt": END,
            "settings": {},
        },
        "closing": {"at": END, "by": {"subject": "ann", "host": "vm"}, "note": "budget 7"},
        "ledger": {"at": END, "schema": "0016", "auditEntries": 9, "auditChain": "ab" * 32},
        "accepted": {"lines": 100, "files": []},
        "totals": sums,
        "revoked": {"lines": 0, "units": 0, "points": "0"},
        "states": [{"state": "issued", **sums}],
        "rewards": [{"reward": "1001", "states": [{"state": "issued", **sums}]}],
        "verification": {"mode": "none", "leftOut": {"pruned": 0}},
        **{name: [] for name in ("approvals", "stops", "pauses", "massActions")},
        **{name: [] for name in ("letterActs", "lineActs", "acceptances", "acts")},
    } | more


def facts(spans=240, marks=(), outcomes=(), said=None, **more):
    said = said or statement()
    return {
        "format": 1,
        "statement": said,
        "statementSha256": "cd" * 32,
        "countsChanged": False,
        "outcomes": list(outcomes),
        "axis": {"begin": BEGIN, "end": END, "spanSeconds": 15, "spans": spans},
        "series": {
            "callsTotal": 240,
            "callsOutside": 0,
            "calls": {kind.value: [123_456] * spans for kind in Kind},
            "tookMs": {f"p{share}": [12_345] * spans for share in (50, 95, 99)},
            "jobs": 240,
            "adaptiveLimit": [600] * spans,
            **dict.fromkeys(("accepted", "settled", "backlog"), [123_456] * spans),
        },
        "rates": {"account": [{"at": BEGIN, "perMinute": 600}], "campaign": []},
        "marks": list(marks),
        "prunedLines": 0,
        "gaps": ["The ledger does not record it."],
    } | more


def page(*arguments, **more):
    return html_report(facts(*arguments, **more)).decode()


class _Checker(HTMLParser):
    """Collects open elements; an end that fits no beginning fails."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.headings, self.seen = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        given = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in given)
        if "id" in given:
            self.ids.append(given["id"])
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "th":
            assert given.get("scope")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(text):
    checker = _Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    return checker


def full():
    """A report in which every table has more rows than fit, and every text is long."""
    many, long = range(3_000), "x&<>" * 100
    sums = {"lines": 10**9, "units": 10**9, "points": "1000000000.125"}
    states = ("issued", "partial", "failed", "in_doubt", "cancelled", "replaced", "revoked")
    by_state = [{"state": state, **sums} for state in states]
    times = dict.fromkeys(("at", "submittedAt", "decidedAt", "startedAt", "finishedAt"), LATER)
    times |= dict.fromkeys(("resolvedAt", "first", "last", "since", "until"), LATER)
    names = ("by", "note", "source", "submittedBy", "submitNote", "decidedBy", "startedBy")
    row = {
        **times,
        **dict.fromkeys((*names, "reason", "resolvedBy", "before", "after", "verb"), long),
        **dict.fromkeys(("accepted", "known", "refused", "count"), 10**9),
        "digest": "ab" * 32,
        "decision": "approved",
        "resolution": long,
        "cause": "stop_loss",
        "id": 1,
        "kind": "resend",
        "state": "finished",
        "reward": f"ext:{long}",
    }
    rows = [row for _ in many]
    findings = [
        {
            "requestId": "8" * 36,
            "kind": "missing",
            "ledgerUnits": 10**9,
            "apiUnits": 0,
            "transactions": [],
        }
    ] * 1_000
    said = statement(
        rewards=[{"reward": f"ext:{long}{number}", "states": by_state} for number in many],
        accepted={"lines": 10**9, "files": rows},
        states=by_state,
        verification={
            "mode": "sample", "lines": 9, "compared": 3, "differing": 3, "mostDiffering": 9,
            "confidencePercent": 95, "findings": findings, "findingsByKind": {"missing": 1_000},
            "leftOut": {"pruned": 5}, "seed": "ab", "startedAt": BEGIN, "finishedAt": END,
        },
        **dict.fromkeys(("approvals", "stops", "pauses", "massActions"), rows),
        **dict.fromkeys(("letterActs", "lineActs", "acceptances", "acts"), rows),
    )  # fmt: skip
    said["campaign"] |= {"name": long[:255], "account": long}
    outcomes = [
        {"state": "failed", "code": each, "lines": 1, "units": 0, "cause": long, "remedy": long}
        for each in many
    ]
    marks = [{"at": LATER, "until": None, "what": long} for _ in many]
    return facts(marks=marks, outcomes=outcomes, said=said)


def test_the_page_is_well_formed_and_needs_nothing_else():
    text = page()
    found = check(text)
    assert not {"script", "link", "img", "iframe", "object", "form"} & found.seen
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert not re.search(r"@import|url\(", text)
    assert len(found.ids) == len(set(found.ids))
    assert found.headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(found.headings))


def test_the_size_is_bounded_however_much_a_campaign_holds():
    text = html_report(full())
    assert 100_000 < len(text) <= MOST_BYTES
    check(text.decode())
    assert " of 3,000</span>" in text.decode()


def test_a_table_says_how_many_rows_it_leaves_out():
    outcomes = [
        {"state": "failed", "code": code, "lines": 1, "units": 0, "cause": "c", "remedy": "r"}
        for code in range(70)
    ]
    assert '<span class="count">60 of 70</span>' in page(outcomes=outcomes)
    assert '<span class="count">59 of 59</span>' in page(outcomes=outcomes[:59])


def test_a_name_can_end_neither_the_style_nor_a_text_nor_a_cell():
    said = statement()
    said["campaign"]["name"] = said["closing"]["note"] = HOSTILE
    mark = {"at": LATER, "until": None, "what": HOSTILE}
    found = facts(said=said, marks=[mark])
    checked = check(html_report(found).decode())
    assert "script" not in checked.seen
    rows = csv_report(found).decode()
    assert rows.startswith(",".join(COLUMNS))
    said["campaign"]["name"] = "=1+1"
    assert ",'=1+1," in csv_report(found).decode()


def test_marks_are_at_their_place_on_every_chart():
    marks = [
        {"at": "2026-11-29T10:15:00.000Z", "until": None, "what": "approved by bob"},
        {"at": LATER, "until": "2026-11-29T10:45:00.000Z", "what": "paused by ann"},
    ]
    text = page(marks=marks)
    # The axis is from 52 to 708: a quarter, a half, and a quarter long.
    moment, span = 52 + 656 / 4, 52 + 656 / 2
    assert text.count(f'<line x1="{moment:g}" x2="{moment:g}"') == 4
    assert text.count(f'<rect x="{span:g}" width="164"') == 4
    assert text.count("<title>paused by ann</title>") == 4


def test_a_mark_outside_of_the_axis_is_said_to_be():
    marks = [
        {"at": "2026-11-28T10:15:00.000Z", "until": None, "what": "submitted by ann"},
        {"at": "2026-11-30T10:15:00.000Z", "until": None, "what": "cancelled"},
    ]
    text = page(marks=marks)
    assert '2026-11-28 10:15:00<span class="edge">at the left edge</span>' in text
    assert '2026-11-30 10:15:00<span class="edge">at the right edge</span>' in text


def test_changed_counts_are_said():
    assert "have changed since it was closed" not in page()
    assert "have changed since it was closed" in page(countsChanged=True)


def test_charts_without_calls_say_why():
    empty = facts(spans=2)
    empty["series"] |= {
        "calls": {kind.value: [0, 0] for kind in Kind},
        "tookMs": {"p50": [None, None]},
        "adaptiveLimit": [None, None],
        "jobs": 0,
    }
    empty["rates"] = {"account": [], "campaign": []}
    assert html_report(empty).decode().count("The ledger has no calls of it any more") == 4


def _window(text, end):
    said = statement()
    said["campaign"]["settings"] = {"window": text, "timezone": "Asia/Kolkata"}
    return closed_times(said, "2026-11-23T10:00:00.000Z", end)


def test_closed_times_of_a_window_follow_its_zone():
    found = _window("mon-sun 09:00-21:00", "2026-11-24T10:00:00.000Z")
    assert [(each["at"], each["until"]) for each in found] == [
        ("2026-11-23T15:30:00.000Z", "2026-11-24T03:30:00.000Z")
    ]
    assert "mon-sun 09:00-21:00 Asia/Kolkata" in found[0]["what"]
    assert _window("mon-sun 00:00-24:00", "2026-12-24T10:00:00.000Z") == []
    assert len(_window("mon-sun 09:00-21:00", "2027-11-24T10:00:00.000Z")) == MOST_CLOSED + 1


def test_marks_come_in_order_and_an_open_pause_lasts_until_the_end():
    said = statement(
        acts=[act("set", at=END), act("verify"), act("pause")],
        pauses=[{"since": LATER, "by": "ann", "reason": "", "until": None, "endedBy": None}],
        stops=[
            {
                "at": BEGIN, "cause": "stop_loss", "reward": "1001", "resolvedAt": LATER,
                "resolvedBy": "bob", "resolution": "resumed",
            }
        ],
        approvals=[
            {
                "submittedAt": BEGIN, "submittedBy": "ann", "submitNote": "", "decidedAt": BEGIN,
                "decidedBy": None, "decision": "void", "note": "",
            }
        ],
        massActions=[
            {"id": 3, "kind": "resend", "startedAt": LATER, "startedBy": "bob", "note": ""}
        ],
    )  # fmt: skip
    found = [(each["at"], each["until"], each["what"]) for each in make_marks(said, (), BEGIN, END)]
    assert found == [
        (BEGIN, None, "submitted by ann"),
        (BEGIN, None, "void by the program"),
        (BEGIN, LATER, "stopped by the stop-loss, reward 1001; resumed by bob"),
        (LATER, None, "resend 3 begun by bob"),
        (LATER, END, "paused by ann"),
        (END, None, "ann changed the settings of the campaign from a to b (why)"),
    ]


@pytest.mark.parametrize("name", ["calls issued", "ms p95", "jobs backlog", "adaptive limit"])
def test_the_rows_have_every_series(name):
    rows = csv_report(facts(spans=2)).decode().splitlines()
    assert sum(f",{name}," in row for row in rows) == 2
