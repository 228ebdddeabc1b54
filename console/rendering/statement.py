"""A closing statement as text that fits on 80 columns, for those who sign it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from console.rendering.layout import aligned
from issuance.reward_key import describe_reward
from operations.closing.words import KINDS, LEFT_OUT, verdict
from operations.formats import counted, one_line
from operations.history_sentences import sentence

WIDTH = 80
_LABEL = 13
_Data = Mapping[str, Any]


def statement_lines(data: _Data, sha256: str) -> Iterator[str]:
    """Write the statement; every line has at most 80 characters."""
    yield "Closing statement"
    yield "=" * WIDTH
    yield from _head(data, sha256)
    sections = (
        ("Accepted", _accepted(data)),
        ("Result", _table(data["states"], data["totals"], data["revoked"])),
        ("By reward", _rewards(data["rewards"])),
        ("Compared with the API", _verification(data["verification"])),
        ("Approvals", _approvals(data["approvals"])),
        ("Stops and pauses", _waits(data)),
        ("Redriven, revoked, discarded", _repairs(data)),
        ("Acts, from the audit log", _acts(data)),
    )
    for number, (title, lines) in enumerate(sections, 1):
        heading = f"{number}. {title}"
        yield from ("", heading, "-" * WIDTH)
        yield from lines


def _head(data: _Data, sha256: str) -> Iterator[str]:
    campaign, closing, ledger = data["campaign"], data["closing"], data["ledger"]
    by = closing["by"]
    yield from _item("Campaign", campaign["name"])
    yield from _item("Account", campaign["account"])
    yield from _item(
        "Ran",
        f"{_at(campaign['startedAt'])} to {_at(campaign['finishedAt'])}, {campaign['endedAs']}",
    )
    yield from _item("Closed", f"{_at(closing['at'])} by {by['subject']} on {by['host'] or '?'}")
    yield from _item("Note", closing["note"] or "none")
    if settings := campaign["settings"]:
        yield from _item(
            "Settings", ", ".join(f"{name} {settings[name]}" for name in sorted(settings))
        )
    yield from _item("Ledger", f"as of {_at(ledger['at'])}, schema {ledger['schema']}")
    yield from _item("Audit log", f"{ledger['auditEntries']:,} entries, chain")
    yield from _item("", ledger["auditChain"])
    yield from _item("SHA-256", sha256)


def _accepted(data: _Data) -> Iterator[str]:
    accepted = data["accepted"]
    in_files = sum(file["accepted"] for file in accepted["files"])
    for file in accepted["files"]:
        yield from _item(
            "File",
            f"{file['source']}: {file['accepted']:,} accepted, {file['known']:,} known, "
            f"{file['refused']:,} refused, {_at(file['startedAt'])}",
        )
    if others := accepted["lines"] - in_files:
        yield from _item("Other", f"{others:,} accepted without a file, or by a reissue")
    yield from _item("Total", counted(accepted["lines"], "line"))


def _table(states: Sequence[_Data], totals: _Data, revoked: _Data) -> Iterator[str]:
    rows = [_row(state["state"].replace("_", " "), state) for state in states]
    rows.append(_row("total", totals))
    yield from _indented([("state", "lines", "units", "points"), *rows], right=(1, 2, 3))
    if revoked["lines"]:
        yield "  Units and points of the total are those that were not revoked."


def _row(label: str, sums: _Data) -> tuple[str, ...]:
    return label, f"{sums['lines']:,}", f"{sums['units']:,}", _points(sums["points"])


def _rewards(rewards: Sequence[_Data]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("reward", "state", "lines", "units", "points")]
    for reward in rewards:
        name = one_line(describe_reward(reward["reward"]))
        label = name if len(name) <= _LONGEST_REWARD else f"{name[: _LONGEST_REWARD - 1]}…"
        for state in reward["states"]:
            rows.append((label, *_row(state["state"].replace("_", " "), state)))
            label = ""
    yield from _indented(rows, right=(2, 3, 4))


_LONGEST_REWARD = 28


def _verification(found: _Data) -> Iterator[str]:
    left_out = {name: count for name, count in found["leftOut"].items() if count}
    if found["mode"] == "none":
        yield from _item("", "Nothing was compared.")
        return
    yield from _item(
        "Compared",
        f"{found['compared']:,} of {found['lines']:,} lines, {_at(found['startedAt'])} to "
        f"{_at(found['finishedAt'])}",
    )
    if left_out:
        yield from _item(
            "Left out",
            ", ".join(f"{count:,} {LEFT_OUT[name]}" for name, count in left_out.items()),
        )
    if found["mode"] == "sample":
        yield from _item("Sample", f"seed {found['seed']}")
    yield from _item("Result", verdict(found))
    yield from findings_lines(found)


def findings_lines(found: _Data) -> Iterator[str]:
    """Write the differences that a comparison found, first by kind, then one by one."""
    for kind, count in sorted(found["findingsByKind"].items()):
        yield from _item("", f"{count:,}: {KINDS[kind]}")
    if found["findings"]:
        yield ""
        rows = [
            (
                each["requestId"],
                each["kind"].replace("_", " "),
                f"{each['ledgerUnits']:,}",
                f"{each['apiUnits']:,}",
            )
            for each in found["findings"]
        ]
        yield from _indented([("line", "difference", "ledger", "API"), *rows], right=(2, 3))
        total = sum(found["findingsByKind"].values())
        if total > len(rows):
            yield f"  These are the first {len(rows):,} of {total:,}."


def _approvals(approvals: Sequence[_Data]) -> Iterator[str]:
    if not approvals:
        yield "  None was asked for."
    for each in approvals:
        yield from _item("Submitted", f"{_at(each['submittedAt'])} by {each['submittedBy']}")
        yield from _item("", each["submitNote"])
        if each["decision"]:
            yield from _item(
                each["decision"].capitalize(),
                f"{_at(each['decidedAt'])} by {each['decidedBy'] or 'the program'}",
            )
            yield from _item("", each["note"])
        yield from _item("Digest", each["digest"])


def _waits(data: _Data) -> Iterator[str]:
    if not data["stops"] and not data["pauses"]:
        yield "  None."
    for stop in data["stops"]:
        what = f", {describe_reward(stop['reward'])}" if stop["reward"] else ""
        end = (
            f"; {stop['resolution']} {_at(stop['resolvedAt'])} by {stop['resolvedBy']}"
            if stop["resolvedAt"]
            else ""
        )
        cause = stop["cause"].replace("_", "-")
        yield from _item("Stopped", f"{_at(stop['at'])} by the {cause}{what}{end}")
    for pause in data["pauses"]:
        end = f" to {_at(pause['until'])} by {pause['endedBy']}" if pause["until"] else ""
        reason = f": {pause['reason']}" if pause["reason"] else ""
        yield from _item("Paused", f"{_at(pause['since'])} by {pause['by']}{end}{reason}")


def _repairs(data: _Data) -> Iterator[str]:
    acts = [*data["letterActs"], *data["lineActs"]]
    if not acts and not data["massActions"]:
        yield "  Nothing."
    for action in data["massActions"]:
        note = f": {action['note']}" if action["note"] else ""
        yield from _item(
            action["kind"].capitalize(),
            f"mass action {action['id']}, {action['state']}, {_at(action['startedAt'])} by "
            f"{action['startedBy']}{note}",
        )
    for act in acts:
        reason = f": {act['reason']}" if act["reason"] else ""
        yield from _item(
            act["verb"].capitalize(),
            f"{act['count']:,} by {act['by']}, {_at(act['first'])} to {_at(act['last'])}{reason}",
        )


def _acts(data: _Data) -> Iterator[str]:
    for act in data["acceptances"]:
        what = f"gave rows or requests: {counted(act['count'], 'time')}"
        yield from _act(act["first"], act["by"], what, act["reason"])
    for act in data["acts"]:
        what = sentence(act["verb"], "the campaign", act["before"], act["after"])
        yield from _act(act["at"], act["by"], what, act["reason"])


def _act(at: str, by: str, what: str, reason: str) -> Iterator[str]:
    text = f"{by} {what}" + (f" ({reason})" if reason else "")
    yield from _folded(f"  {_at(at)}  ", text)


def _item(label: str, text: str) -> Iterator[str]:
    if text:
        yield from _folded(f"  {label:<{_LABEL - 2}}", text)


def _folded(first: str, text: str) -> list[str]:
    return wrap(
        one_line(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
    )


def _indented(rows: Iterable[Sequence[str]], right: Iterable[int]) -> Iterator[str]:
    return (f"  {line}" for line in aligned(rows, right))


def _at(time: str | None) -> str:
    return "?" if time is None else f"{time[:10]} {time[11:19]}Z"


def _points(text: str) -> str:
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}"
