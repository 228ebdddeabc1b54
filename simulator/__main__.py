"""The command `python -m simulator`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from tempfile import mkstemp

from simulator.catalogue import Catalogue, load_catalogue
from simulator.demo_catalogue import DEMO
from simulator.faults import read_plan
from simulator.serve import HOST, SimulatorServer, listen, url_of
from simulator.switches import ENVIRONMENT_PREFIX, Switches, choices_of, switches_from_environment
from simulator.truth_file import restored
from simulator.world import World


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Every option can also be set in the environment as `SIMULATOR_…`.
    """
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        world = World(_catalogue(options), _switches(options))
        if options.truth_file:
            stack.enter_context(restored(world, options.truth_file))
        if options.faults_file:
            world.faults.add(read_plan(json.loads(options.faults_file.read_bytes())))
        _serve(world, options)


def _serve(world: World, options: argparse.Namespace) -> None:
    listener = listen(options.port, options.host)

    def announce() -> None:
        if options.ready_file:
            # Written elsewhere and renamed, so that a reader never sees half a line.
            descriptor, draft = mkstemp(suffix=".draft", dir=options.ready_file.absolute().parent)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(url_of(listener) + "\n")
            Path(draft).replace(options.ready_file)
        sys.stdout.write(f"simulator ready on {url_of(listener)}\n")
        sys.stdout.flush()

    SimulatorServer(world, announce).run(sockets=[listener])


def _catalogue(options: argparse.Namespace) -> Catalogue:
    catalogue = load_catalogue(options.catalogue) if options.catalogue else DEMO
    return replace(catalogue, magic_customers=False) if options.no_magic_customers else catalogue


def _switches(options: argparse.Namespace) -> Switches:
    given = {field.name: getattr(options, field.name) for field in fields(Switches)}
    return switches_from_environment().changed(
        **{name: value for name, value in given.items() if value is not None}
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A simulated rewards API.")
    parser.add_argument(
        "--port", type=int, default=_environment("port", 0), help="0 picks a free port"
    )
    parser.add_argument(
        "--host", default=_environment("host", HOST), help="change it only inside a container"
    )
    for name, text in (
        ("ready-file", "file that receives the URL once the simulator listens"),
        (
            "truth-file",
            "append every issued unit to this file as a JSON line, and resume from it at start",
        ),
        ("catalogue", "JSON catalogue to use instead of the built-in one"),
        ("faults-file", "faults to start with, in the format of POST /_faults"),
    ):
        default = _environment(name, None)
        parser.add_argument(
            f"--{name}", type=Path, default=default and Path(str(default)), help=text
        )
    parser.add_argument(
        "--no-magic-customers",
        action="store_true",
        default=_environment("no-magic-customers", None) is not None,
        help="treat identifiers that end in 9001 and the like as ordinary customers",
    )
    for field in fields(Switches):
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, dest=field.name, metavar="VALUE", help=choices_of(field.name))
    return parser


def _environment(option: str, default: object) -> object:
    return os.environ.get(ENVIRONMENT_PREFIX + option.upper().replace("-", "_"), default)


if __name__ == "__main__":
    os.umask(0o077)  # the truth file holds customers and vouchers
    main()
