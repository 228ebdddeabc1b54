"""The Lua scripts that change an account's limits: each is atomic and costs one round trip.

A script's header lists the library files it uses, its parameters and the fields of its reply.
Callers use names; only this module knows that Redis passes values by position. Numbers arrive as
Lua numbers, times as microseconds of the Redis server's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_LIBRARY = ("uses", "parameters", "reply")
_TEXTS = frozenset({"owner", "reason", "campaign"})


@dataclass(frozen=True, slots=True)
class LuaScript:
    """One script: its whole text, and the names of its parameters and reply fields."""

    text: str
    parameters: tuple[str, ...]
    fields: tuple[str, ...]

    def arguments(self, given: Mapping[str, int | float | str]) -> list[int | float | str]:
        """Put named arguments into the script's order; missing ones are 0 or empty.

        Raises:
            TypeError: the script has no parameter of this name.
        """
        if unknown := given.keys() - set(self.parameters):
            raise TypeError(f"The script has no parameter {', '.join(sorted(unknown))}")
        return [given.get(name, "" if name in _TEXTS else 0) for name in self.parameters]

    def named(self, reply: Sequence[Any]) -> dict[str, Any]:
        """Name the fields of a reply."""
        return dict(zip(self.fields, reply, strict=True))


@cache
def load(name: str) -> LuaScript:
    """Load `lua/<name>.lua` with the library files that it uses."""
    source = _read(name)
    header: dict[str, list[str]] = {key: [] for key in _LIBRARY}
    for line in source.splitlines():
        key, _, words = line.removeprefix("-- ").partition(": ")
        if line.startswith("-- ") and key in header:
            header[key] += words.split()
    parameters = tuple(header["parameters"])
    parts = [_bind(parameters), *map(_read, header["uses"]), source]
    return LuaScript("\n".join(parts), parameters, tuple(header["reply"]))


def _read(name: str) -> str:
    return files("limiter").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def _bind(parameters: Sequence[str]) -> str:
    """The Lua code of the table `arg`, which has each argument under its name."""
    values = (
        f"{name} = {f'ARGV[{place}]' if name in _TEXTS else f'tonumber(ARGV[{place}])'}"
        for place, name in enumerate(parameters, start=1)
    )
    return f"local arg = {{{', '.join(values)}}}"
