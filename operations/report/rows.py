"""The numbers of a report as the rows of a CSV file. Pure."""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from issuance.display import csv_text
from operations.formats import iso

COLUMNS = ("section", "at", "until", "name", "detail", "lines", "units", "points", "value")
_Data = Mapping[str, Any]
_SUMS = ("lines", "units", "points")


def csv_report(facts: _Data) -> bytes:
    """Write the report's numbers, a row each; texts cannot be formulas of a spreadsheet."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(facts):
        cells = (row.get(column) for column in COLUMNS)
        writer.writerow(["" if cell is None else csv_text(str(cell)) for cell in cells])
    return file.getvalue().encode()


def _rows(facts: _Data) -> Iterator[dict[str, Any]]:
    statement = facts["statement"]
    campaign, closing = statement["campaign"], statement["closing"]
    yield {
        "section": "campaign",
        "at": campaign["startedAt"],
        "until": campaign["finishedAt"],
        "name": campaign["name"],
        "detail": campaign["account"],
    }
    yield {
        "section": "statement",
        "at": closing["at"],
        "name": closing["by"]["subject"],
        "detail": closing["note"],
        "value": facts["statementSha256"],
    }
    for name in ("totals", "revoked"):
        yield {"section": name, **_sums(statement[name])}
    for state in statement["states"]:
        yield {"section": "state", "name": state["state"], **_sums(state)}
    for reward in statement["rewards"]:
        for state in reward["states"]:
            detail = state["state"]
            yield {"section": "reward", "name": reward["reward"], "detail": detail, **_sums(state)}
    for each in facts["outcomes"]:
        sums = {"lines": each["lines"], "units": each["units"]}
        name, detail = each["state"], each["cause"]
        yield {"section": "outcome", "name": name, "detail": detail, "value": each["code"], **sums}
    yield from _verification(statement["verification"])
    yield from _over_time(facts)
    for mark in facts["marks"]:
        yield {"section": "mark", **mark, "detail": mark["what"]}
    for gap in facts["gaps"]:
        yield {"section": "not shown", "detail": gap}


def _sums(found: _Data) -> dict[str, Any]:
    return {name: found[name] for name in _SUMS}


def _verification(found: _Data) -> Iterator[dict[str, Any]]:
    for name in ("mode", "lines", "compared", "differing"):
        if name in found:
            yield {"section": "verification", "name": name, "value": found[name]}


def _over_time(facts: _Data) -> Iterator[dict[str, Any]]:
    series = facts["series"]
    by_name = {
        **{f"calls {kind}": counts for kind, counts in series["calls"].items()},
        **{f"ms {share}": values for share, values in series["tookMs"].items()},
        "adaptive limit": series["adaptiveLimit"],
        **{f"jobs {name}": series[name] for name in ("accepted", "settled", "backlog")},
    }
    for number in range(facts["axis"]["spans"]):
        at, until = _span(facts["axis"], number)
        for name, values in by_name.items():
            if values[number]:
                row = {"section": "series", "at": at, "until": until}
                yield row | {"name": name, "value": values[number]}
    for name, rates in facts["rates"].items():
        for each in rates:
            value = each["perMinute"]
            yield {"section": "rate", "at": each["at"], "name": name, "value": value}


def _span(axis: _Data, number: int) -> tuple[str | None, str | None]:
    begin = datetime.fromisoformat(axis["begin"]).astimezone(UTC)
    length = timedelta(seconds=axis["spanSeconds"])
    return iso(begin + number * length), iso(begin + (number + 1) * length)
