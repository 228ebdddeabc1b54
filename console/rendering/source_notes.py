"""What is worth knowing about how a campaign's file is read."""

from collections.abc import Mapping

from console.terminal import remark
from issuance.display import shorten
from producers.source import Source


def show_source(source: Source) -> None:
    """Say which sheet of a workbook is read, and how columns were understood."""
    show_understood(source.understood)
    if source.other_sheets:
        others = ", ".join(f"'{shorten(name)}'" for name in source.other_sheets[:5])
        more = ", …" if len(source.other_sheets) > 5 else ""  # noqa: PLR2004
        remark(f"Reading sheet '{shorten(source.sheet)}'; not {others}{more} (--sheet names one).")


def show_understood(names: Mapping[str, str]) -> None:
    """Say which columns were understood under names that are not ours."""
    if names:
        pairs = [f"'{shorten(theirs)}' as {ours}" for theirs, ours in names.items()]
        remark(f"Read {', '.join(pairs)}; --map THEIRS=OURS reads them otherwise.")
