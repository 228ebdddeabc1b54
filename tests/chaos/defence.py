"""What a defence is, and how it is switched off: by small edits of a copy of the tree."""

from dataclasses import dataclass
from pathlib import Path


class StaleEditError(Exception):
    """An edit no longer matches the code: mend it in `tests/chaos/defence_list.py`."""


@dataclass(frozen=True)
class Edit:
    """One change of a file, whose old text is there exactly once."""

    path: str
    old: str
    new: str

    def apply_to(self, tree: Path) -> None:
        """Make it.

        Raises:
            StaleEditError: the old text is not there once.
        """
        text = (tree / self.path).read_text(encoding="utf-8")
        if (count := text.count(self.old)) != 1:
            message = f"{self.path} has {self.old!r} {count} times, not once: mend tests/chaos/defence_list.py"
            raise StaleEditError(message)
        (tree / self.path).write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Defence:
    """What protects against a hazard, and how to switch it off.

    Attributes:
        number: of the hazard.
        test: the function in its file that is to fail.
        without: what is missing then, in words.
        edits: switch it off, all together.
        long: whether the test runs only where faults take as long as they may in life.
        pair: ledger and broker that it runs on.
    """

    number: int
    test: str
    without: str
    edits: tuple[Edit, ...]
    long: bool = False
    pair: str = "sqlite+valkey"
