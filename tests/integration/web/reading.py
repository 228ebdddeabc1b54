"""Reads pages as a person does: by their tables and texts."""

import html
import re

BY_OUTCOME = "Lines, units and points by outcome"
"""The label of a campaign's table of outcomes."""


def text_of(markup: str) -> str:
    """Return the text of markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def table(page: str, label: str) -> list[list[str]]:
    """Return the texts of the cells of the table in the region with this label, row by row."""
    region = page.partition(f'aria-label="{label}"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", region, re.DOTALL)
    return [
        [text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def number(shown: str) -> float:
    """Read a number with grouped thousands."""
    return float(shown.replace(",", ""))
