"""The progress bar of a blast."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn

from console.rendering.progress import TimeLeft
from console.terminal import err
from producers.blast import BlastReport
from producers.source import Source


@contextmanager
def blast_progress(source: Source) -> Iterator[Callable[[BlastReport], None]]:
    """Show a progress bar while a file is read; yields the function that updates it."""
    with Progress(
        TextColumn("{task.fields[rows]:>9,} rows"),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[speed]:>7,.0f} rows/s "),
        TimeLeft(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task("", total=source.size or None, rows=0, speed=0.0)

        def show(report: BlastReport) -> None:
            elapsed = progress.tasks[task].elapsed or 0.0
            speed = report.rows / elapsed if elapsed else 0.0
            progress.update(task, completed=source.bytes_read, rows=report.rows, speed=speed)

        yield show
