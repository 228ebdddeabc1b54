"""A report as one self-contained HTML page: inline SVG, its own style, no script. Pure."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from issuance.reward_key import describe_reward
from operations.closing.words import KINDS, LEFT_OUT, verdict
from operations.formats import counted, lasting, one_line
from operations.history_sentences import sentence
from operations.report.pictures import draw_charts, draw_states, seconds

MOST_BYTES: Final = 500_000
_ROWS = (60, 30, 12, 4)
"""Rows of a table; fewer, if the page would be larger than `MOST_BYTES`."""
_LONGEST = 160
"""Characters of a text in a table; the JSON has the whole text."""
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
"""A SHA-256 in a sentence: its beginning is enough, and the JSON has all of it."""
_Data = Mapping[str, Any]


class _Listed(NamedTuple):
    """The rows that a table shows, and how many there are."""

    rows: Sequence[Any]
    total: int


def html_report(facts: _Data) -> bytes:
    """Write the page; its size is bounded, and each table says how many rows it leaves out."""
    page = b""
    for most in _ROWS:
        page = _environment().get_template("report.html").render(_values(facts, most)).encode()
        if len(page) <= MOST_BYTES:
            break
    return page


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {
            "grouped": lambda number: f"{number:,}",
            "points": _points,
            "at": _at,
            "text": _short,
            "words": lambda name: name.replace("_", " "),
            "reward": lambda key: _short(describe_reward(key)),
            "css": _css_text,
        }
    )
    return environment


def _values(facts: _Data, most: int) -> dict[str, Any]:
    statement = facts["statement"]

    def first(rows: Sequence[Any]) -> _Listed:
        return _Listed(rows[:most], len(rows))

    marks = first(facts["marks"])
    lists = ("approvals", "stops", "massActions")
    return {
        **{name: first(statement[name]) for name in lists},
        "facts": facts,
        "statement": statement,
        "campaign": statement["campaign"],
        "verification": statement["verification"],
        "took": _took(statement["campaign"]),
        "verdict": _verdict(statement["verification"]),
        "left_out": _left_out(statement["verification"]),
        "kinds": KINDS,
        "findings": first(statement["verification"].get("findings", ())),
        "files": first(statement["accepted"]["files"]),
        "rewards": first(statement["rewards"]),
        "outcomes": first(facts["outcomes"]),
        "marks": marks,
        "acts": first(_acts(statement)),
        "repairs": first([*statement["letterActs"], *statement["lineActs"]]),
        "bar": Markup(draw_states(statement["states"])),  # noqa: S704 - the charts escape
        "charts": [
            (heading, Markup(chart))  # noqa: S704 - the charts escape
            for heading, chart in draw_charts(facts, marks.rows)
        ],
    }


def _took(campaign: _Data) -> str:
    begin, end = campaign["startedAt"], campaign["finishedAt"]
    return lasting(seconds(end) - seconds(begin)) if begin and end else ""


def _verdict(found: _Data) -> str:
    return "Nothing was compared." if found["mode"] == "none" else verdict(found)


def _left_out(found: _Data) -> str:
    counts = found["leftOut"].items()
    return ", ".join(f"{count:,} {LEFT_OUT[name]}" for name, count in counts if count)


def _acts(statement: _Data) -> list[tuple[str, str, str, str]]:
    """Return who did what: the time, the person, the act and the reason."""
    accepted = [
        (act["first"], act["by"], f"gave rows: {counted(act['count'], 'time')}", act["reason"])
        for act in statement["acceptances"]
    ]
    acts = [
        (
            act["at"],
            act["by"],
            sentence(act["verb"], "the campaign", act["before"], act["after"]),
            act["reason"],
        )
        for act in statement["acts"]
    ]
    return [*accepted, *acts]


def _at(time: str | None) -> str:
    """Write a time for people, in UTC."""
    return "–" if time is None else f"{time[:10]} {time[11:19]}"  # noqa: RUF001 - a dash


def _points(text: str) -> str:
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}"


def _short(text: str | None) -> str:
    line = _DIGEST.sub(r"\1…", one_line(text))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _css_text(text: str) -> Markup:
    """Write a text as a string of CSS; escapes leave nothing that could end it."""
    safe = "".join(
        char if char.isascii() and char.isalnum() else f"\\{ord(char):x} "
        for char in one_line(text)[:_LONGEST]
    )
    return Markup(f'"{safe}"')  # noqa: S704 - only letters, digits and escapes
