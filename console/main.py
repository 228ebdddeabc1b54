"""The entry point of `issuance`."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C ends it quietly with status 130, a reader that went away (`… | head`) with 1."""
    try:
        # Here, because loading everything takes long enough for somebody to press Ctrl-C.
        from console.command_line import command_line  # noqa: PLC0415

        command_line(sys.argv[1:])()
    except KeyboardInterrupt:
        sys.exit(130)
