"""`python -m tests.reference.picture`: draws docs/images/at-work.svg from a real run."""

import tempfile
import time
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.e2e.system import System, scrubbed_environment
from tests.e2e.tutorial import ROOT, Shell

_PICTURE = ROOT / "docs" / "images" / "at-work.svg"
_WIDTH = 102
_RATE = "9000"
_COMMANDS = (
    "issuance blast samples/demo-blast.csv --campaign spring",
    "issuance status spring",
    "issuance dead-letters list --campaign spring --reason partial",
    "issuance health",
)
_UNDER_WAY_SECONDS = 3.0


def draw() -> None:
    """Run the commands on a system of their own, and write the picture."""
    console = Console(record=True, width=_WIDTH, file=StringIO(), highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = scrubbed_environment() | {
            "ISSUANCE_HOME": folder,
            "ISSUANCE_FLOWER_PORT": "0",
            "ISSUANCE_HEALTH_PORT": "0",
            "ISSUANCE_API_RATE_PER_MINUTE": _RATE,
        }
        with System(home, environment, "--simulator", "--no-flower", "--no-web") as system:
            shell = Shell(home, system.environment)
            for place, command in enumerate(_COMMANDS):
                output = shell.run(f"{command} 2>/dev/null")
                console.print(Text.assemble(("$ ", "green"), (command, "bold")))
                console.print(Text(output.rstrip()), "")
                if place == 0:
                    time.sleep(_UNDER_WAY_SECONDS)
    _PICTURE.parent.mkdir(exist_ok=True)
    _PICTURE.write_text(console.export_svg(title="reward-issuance"), encoding="utf-8")


if __name__ == "__main__":
    draw()
