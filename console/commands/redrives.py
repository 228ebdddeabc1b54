"""`issuance redrives`: follows, paces, pauses, aborts and undoes redrives and discards."""

from typing import Annotated

import typer
from pydantic_core import to_json

from console.commands.dead_letter_filters import Note
from console.rendering.layout import say, say_row
from console.rendering.redrives import print_redrives, progress_lines
from console.terminal import opened, remark
from issuance.redrive.bulk import Act
from operations import redrives
from operations.formats import counted, rate_text

app = typer.Typer(
    help="Follow, pace, pause, abort or undo redrives and discards of dead letters.",
    no_args_is_help=True,
    add_completion=False,
)

_ROWS = 20
Id = Annotated[int, typer.Argument(metavar="ID", help="The redrive's id.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]


@app.command(name="list")
def list_command(
    *,
    limit: Annotated[int, typer.Option(min=1, help="Most redrives to list.")] = _ROWS,
    as_json: Json = False,
) -> None:
    """List redrives and discards, newest first."""
    with opened() as (subject, _, ledger):
        found, count = redrives.list_redrives(subject, ledger, limit)
        if as_json:
            objects = [redrives.progress_json(each) for each in found]
            say_row(to_json({"redrives": objects, "count": count}).decode())
        elif not found:
            remark("There are no redrives: `issuance dead-letters redrive` begins one.")
        else:
            print_redrives(found, count)


@app.command()
def show(redrive: Id, *, as_json: Json = False) -> None:
    """Show a redrive: its groups, its results, and what may be done now."""
    with opened() as (subject, _, ledger):
        progress = redrives.show_redrive(subject, ledger, redrive)
        if as_json:
            say_row(to_json(redrives.progress_json(progress)).decode())
            return
        for line in progress_lines(progress):
            say(line)


@app.command()
def rate(
    redrive: Id,
    per_second: Annotated[
        float, typer.Argument(metavar="PER_SECOND", min=0, help="Letters a second; 0: no bound.")
    ],
    *,
    note: Note = "",
) -> None:
    """Change how many letters a redrive sends a second."""
    with opened() as (subject, _, ledger):
        changed = redrives.set_rate(subject, ledger, redrive, per_second, note.strip())
        say(f"Redrive {redrive} sends {rate_text(changed.per_second)} from now on.")


@app.command()
def pause(redrive: Id, *, note: Note = "") -> None:
    """Send no more letters until it is resumed; what is queued is sent."""
    _change(redrive, Act.PAUSE, note)


@app.command()
def resume(redrive: Id, *, note: Note = "") -> None:
    """Continue a paused redrive at its own pace."""
    _change(redrive, Act.RESUME, note)


@app.command()
def abort(redrive: Id, *, note: Note = "") -> None:
    """End a redrive: letters that it has not sent stay open."""
    _change(redrive, Act.ABORT, note)


@app.command(name="go-on")
def send_held(redrive: Id, *, note: Note = "") -> None:
    """Send what the trial held back."""
    _change(redrive, Act.GO_ON, note)


@app.command()
def undo(redrive: Id, *, note: Note = "") -> None:
    """Take back what was not sent yet, and open discarded letters again."""
    with opened() as (subject, _, ledger):
        undone = redrives.undo(subject, ledger, redrive, note.strip())
        say(
            f"{counted(undone.reopened, 'dead letter')} opened again, {undone.dropped:,} not sent, "
            f"{undone.left:,} sent already and left alone"
        )


def _change(redrive: int, act: Act, note: str) -> None:
    with opened() as (subject, services, ledger):
        changed = redrives.change_redrive(
            subject, services, ledger, redrive, act, note=note.strip()
        )
        say(f"Redrive {redrive} is {changed.state} now.")
