"""A bar that shows the parts of a whole, with their names and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from charts.svg import element, escaped, text

_HEIGHT = 18
_ROW = 20
_NARROWEST = 1.5
"""A part that exists is visible, however small it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a whole."""

    name: str
    count: int
    look: str
    """The class that gives it colour and pattern, such as `issued`."""


def draw_bar(title: str, parts: Sequence[Part], *, width: int = 640) -> str:
    """Draw one bar of all parts that are not zero; its title names each with its number."""
    shown = [part for part in parts if part.count > 0]
    total = sum(part.count for part in shown)
    says = ", ".join(f"{part.name} {part.count:,}" for part in shown) or "nothing yet"
    pieces = [element("title", f"{escaped(title)}: {escaped(says)}")]
    pieces.append(element("rect", x=0, y=0, width=width, height=_HEIGHT, class_="rail", rx=3))
    spare = width - _NARROWEST * len(shown)
    at = 0.0
    for part in shown:
        wide = _NARROWEST + spare * part.count / total
        label = element("title", f"{escaped(part.name)}: {part.count:,}")
        box = {"x": at, "y": 0, "width": wide, "height": _HEIGHT}
        pieces.append(element("rect", label, **box, class_=f"part {part.look}"))
        at += wide
    return element(
        "svg",
        pieces,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        class_="bar",
    )


def draw_ranked(title: str, parts: Sequence[Part], *, width: int = 640) -> str:
    """Draw a row for each part, longest first, as long as its share of the largest."""
    ranked = sorted(parts, key=lambda part: (-part.count, part.name))
    most = max((part.count for part in ranked), default=0) or 1
    pieces = [element("title", escaped(title))]
    name_width = width * 0.45
    for row, part in enumerate(ranked):
        top = row * _ROW
        pieces.append(text(part.name, name_width - 8, top + 14, text_anchor="end", class_="legend"))
        wide = max(_NARROWEST, (width - name_width - 90) * part.count / most)
        box = {"x": name_width, "y": top + 3, "width": wide, "height": _ROW - 6}
        pieces.append(element("rect", **box, class_=f"part {part.look}"))
        pieces.append(text(f"{part.count:,}", name_width + wide + 6, top + 14, class_="legend"))
    return element(
        "svg",
        pieces,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {max(len(ranked), 1) * _ROW}",
        role="img",
        class_="chart",
    )
