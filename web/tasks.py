"""What takes longer than a request: done in a thread, while pages show how far it is.

If the process ends, the thread ends with it: what it does must survive that, as the commands do.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import DBAPIError

from issuance.errors import ExplainedError
from operations.errors import UsageError

log = structlog.get_logger("issuance.web")

_KEPT = 100
"""Tasks that are remembered; more than that, and the oldest that have ended go."""
Say = Callable[[str], None]


@dataclass(slots=True)
class Task:
    """One task."""

    what: str
    """It completes the sentence `… is under way`."""
    by: str
    started_at: datetime
    progress: str = ""
    result: str = ""
    """What it ended with."""
    error: str = ""
    """Why it failed."""
    ended_at: datetime | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class Tasks:
    """The newest task of each campaign."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}

    def find(self, campaign: str) -> Task | None:
        """Return a campaign's newest task since this process began."""
        return self._tasks.get(campaign)

    def begin(self, campaign: str, what: str, by: str, run: Callable[[Say], str]) -> Task:
        """Begin a task in the background.

        Args:
            campaign: its campaign, which has one at a time.
            what: it completes the sentence `… is under way`.
            by: the person who begins it.
            run: does it; gets a function that says how far it is, and returns what it ended with.

        Raises:
            UsageError: another task of the campaign is under way.
        """
        with self._lock:
            before = self._tasks.get(campaign)
            if before is not None and before.ended_at is None:
                raise UsageError(f"{before.what} is under way: wait until it has ended")
            for name in [each for each, task in self._tasks.items() if task.ended_at is not None]:
                if len(self._tasks) >= _KEPT:
                    del self._tasks[name]
            task = self._tasks[campaign] = Task(what, by, datetime.now(UTC))
        threading.Thread(target=_run, args=(task, run), daemon=True).start()
        return task


def _run(task: Task, run: Callable[[Say], str]) -> None:
    def say(progress: str) -> None:
        task.progress = progress

    try:
        task.result = run(say)
    except (ExplainedError, DBAPIError, ValueError) as error:
        task.error = str(getattr(error, "orig", None) or error)
    except Exception:
        log.exception("web_task_failed", task=task.what)
        task.error = "an error of the program: the console's log has it"
    finally:
        task.ended_at = datetime.now(UTC)
        task.ended.set()
