"""Points as text, so that a statement is the same bytes everywhere."""

_THOUSAND = 1_000


def points_text(thousandths: int) -> str:
    """Write points exactly: `120`, `0.5`, `12.345`."""
    whole, rest = divmod(abs(thousandths), _THOUSAND)
    sign = "-" if thousandths < 0 else ""
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{sign}{whole}{fraction}"
