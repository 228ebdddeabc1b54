"""Columns of progress bars that say what their times mean."""

from rich.progress import ProgressColumn, Task
from rich.text import Text

from operations.formats import duration


class TimeElapsed(ProgressColumn):
    """`12 s elapsed`."""

    def render(self, task: Task) -> Text:
        """The time since the start."""
        return Text(f"{duration(task.elapsed or 0.0)} elapsed")


class TimeLeft(ProgressColumn):
    """`about 3 min left`, once the speed is known."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """The time to the end at the current speed."""
        left = task.time_remaining
        return Text("" if left is None or task.finished else f"about {duration(left)} left")
