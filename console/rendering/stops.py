"""A campaign's stops, for people: why it stopped, and what can be done."""

from rich.text import Text

from console.terminal import whole
from operations.stops import Stopped


def stop_lines(stopped: Stopped) -> list[Text]:
    """Each cause, then what can be decided with its command, which is never wrapped."""
    lines = [Text(f"{stopped.campaign} {cause}", style="bold yellow") for cause in stopped.causes]
    return lines + [Text(f"  {words}: {whole(command)}") for words, command in stopped.choices]
