"""SVG elements as text. Every value is escaped, and every number has one spelling."""

from collections.abc import Iterable
from html import escape


def element(name: str, content: Iterable[str] | str = "", /, **attributes: object) -> str:
    """Return an element.

    Args:
        name: the element's name.
        content: elements, or escaped text.
        attributes: `_` in a name stands for `-`, a trailing one is dropped (`class_`); None leaves
            one out; numbers are rounded to hundredths.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(spell(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = content if isinstance(content, str) else "".join(content)
    return f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>"


def escaped(content: str) -> str:
    """Return text as the content of an element."""
    return escape(content, quote=False)


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """Return a text element; the content is escaped."""
    return element("text", escaped(content), x=x, y=y, **attributes)


def spell(value: object) -> str:
    """Write a value; a number is rounded to hundredths and has no trailing zeros."""
    if isinstance(value, float):
        rounded = f"{value:.2f}".rstrip("0").rstrip(".")
        return "0" if rounded in ("-0", "") else rounded
    return str(value)
