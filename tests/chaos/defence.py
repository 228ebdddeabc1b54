"""A defence, and the edits of a copy of the tree that switch it off."""

from dataclasses import dataclass
from pathlib import Path


class StaleEditError(Exception):
    """An edit no longer matches the code; update `tests/chaos/defence_list.py`."""


@dataclass(frozen=True)
class Edit:
    """A change of a file that contains the old text exactly once."""

    path: str
    old: str
    new: str

    def apply_to(self, tree: Path) -> None:
        """Change the file in this tree.

        Raises:
            StaleEditError: the file does not contain the old text exactly once.
        """
        text = (tree / self.path).read_text(encoding="utf-8")
        if (count := text.count(self.old)) != 1:
            raise StaleEditError(
                f"{self.path} has {self.old!r} {count} times, not once: "
                "update tests/chaos/defence_list.py"
            )
        (tree / self.path).write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Defence:
    """A protection against a hazard, and how to switch it off.

    Attributes:
        number: of the hazard.
        test: the function that has to fail without it.
        without: what is missing then, for the report.
        edits: switch it off together.
        long: the test runs only with faults of realistic length.
        pair: the ledger and broker of the run.
    """

    number: int
    test: str
    without: str
    edits: tuple[Edit, ...]
    long: bool = False
    pair: str = "sqlite+valkey"
