"""Commands act only through operations, which check the user's role: there is no way around."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_DEMO = "demo.py"
"""It runs a system of its own, and reads that system's ledger."""
_COMMANDS = [
    *(path for path in (_ROOT / "console" / "commands").glob("*.py") if path.name != _DEMO),
    _ROOT / "console" / "terminal.py",
]
_EXEMPT = {
    "customer.py: read_customer": "reads an identifier, and no ledger",
    "terminal.py: is_away": "sorts errors",
    "terminal.py: used": "shows that a process uses the ledger, for `restore`",
}
_PACKAGES = ("ledger", "limiter", "rewards_api", "broker")
_WAYS_IN = ("producers.blast", "producers.background", "producers.accepting")
"""Modules of producers that accept work without asking for a role: services use them."""
_SERVICES = {"settings", "servers", "accounts", "tracing", "open_ledger", "close"}
"""What a command may use of the services: what reads settings, and the ledger to hand on."""


def functions_around(source: str) -> Iterator[str]:
    """The functions that a module imports from below the operations, which check nothing."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if _is_below(each.name))
        if isinstance(node, ast.ImportFrom) and node.module and _is_below(node.module):
            module = import_module(node.module)
            yield from (
                each.name
                for each in node.names
                if not inspect.isclass(getattr(module, each.name, None))
            )


def _is_below(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in _PACKAGES or module in _WAYS_IN


def services_used(source: str) -> set[str]:
    """The attributes of `services` that a module uses."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "services"
    }


def connections(source: str) -> Iterator[int]:
    """The lines that open a ledger or a transaction."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name == "Ledger" or owner == "ledger":
                yield node.lineno


@pytest.mark.parametrize("path", _COMMANDS, ids=lambda path: path.name)
def test_a_command_imports_no_function_from_below_the_operations(path: Path):
    source = path.read_text(encoding="utf-8")
    found = {name for name in functions_around(source) if f"{path.name}: {name}" not in _EXEMPT}
    assert found == set(), "call a function of operations/ that has @needs"
    assert services_used(source) <= _SERVICES
    assert list(connections(source)) == []


def test_a_way_around_is_found():
    assert list(functions_around("from ledger.campaigns import Campaign, pause_campaign")) == [
        "pause_campaign"
    ]
    assert list(functions_around("import ledger.campaigns")) == ["ledger.campaigns"]
    assert list(functions_around("from producers.blast import blast")) == ["blast"]
    assert list(functions_around("from ledger import campaigns")) == ["campaigns"]
    assert services_used("services.limits_of('a').resume()") == {"limits_of"}
    assert set(connections("with Ledger(url) as x: pass\nledger.write()")) == {1, 2}
