"""Results on disk, one JSON object per line, so that an interrupted run can be resumed."""

import json
import time
from pathlib import Path
from typing import Any


class Results:
    """The results of one plan.

    Args:
        path: the file; if it holds only another plan's results, it is renamed.
        plan: identifies what is measured: code, machine and sizes.
    """

    def __init__(self, path: Path, plan: str) -> None:
        self._path = path
        self._plan = plan
        self.rows: list[dict[str, Any]] = []
        if path.exists():
            found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            self.rows = [row for row in found if row["plan"] == plan]
            if not self.rows:
                self.archive()

    def add(self, key: str, **values: Any) -> None:
        """Keep a result."""
        row = {"plan": self._plan, "key": key, "at": time.time(), **values}
        self.rows.append(row)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def has(self, key: str) -> bool:
        """Whether this is measured already."""
        return any(row["key"] == key for row in self.rows)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The results whose key starts with this."""
        return [row for row in self.rows if row["key"].startswith(kind)]

    def archive(self) -> None:
        """Rename the file, so that the next run starts from nothing."""
        self._path.replace(self._path.with_suffix(f".{time.strftime('%Y%m%d-%H%M%S')}.jsonl"))
