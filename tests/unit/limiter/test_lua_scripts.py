"""The scripts: named parameters and replies, and headers that match the code."""

import re
import tomllib
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path

import pytest

from limiter.lua_scripts import LuaScript, load

FOLDER = Path(str(files("limiter"))) / "lua"
SCRIPTS = (
    "acquire_locks",
    "give_back",
    "release_locks",
    "report",
    "reserve",
    "resume",
    "set_rate",
    "state",
)
LIBRARY = ("adaptive", "breaker", "hash", "results")


def code_of(name: str) -> str:
    """The code of a file, without comments."""
    return re.sub(r"--.*", "", (FOLDER / f"{name}.lua").read_text(encoding="utf-8"))


def used_by(name: str) -> list[str]:
    header = re.search(
        r"^-- uses: (.*)$", (FOLDER / f"{name}.lua").read_text(encoding="utf-8"), re.MULTILINE
    )
    return header[1].split() if header else []


def read_by(name: str) -> set[str]:
    """The parameters that a script reads, including its library files."""
    return {
        read
        for part in (name, *used_by(name))
        for read in re.findall(r"\barg\.(\w+)", code_of(part))
    }


def test_every_lua_file_is_a_script_or_belongs_to_the_library():
    assert sorted(path.stem for path in FOLDER.glob("*.lua")) == sorted(SCRIPTS + LIBRARY)
    assert {part for name in SCRIPTS for part in used_by(name)} == set(LIBRARY)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_declares_exactly_the_parameters_that_it_reads(name):
    declared = load(name).parameters
    assert len(declared) == len(set(declared))
    assert set(declared) == read_by(name)


@pytest.mark.parametrize("name", LIBRARY)
def test_a_library_file_declares_no_parameters(name):
    script = load(name)
    assert (script.parameters, script.fields) == ((), ())


def test_every_script_but_those_of_the_locks_names_its_reply_fields():
    assert {name for name in SCRIPTS if not load(name).fields} == {"acquire_locks", "release_locks"}


def test_an_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="no parameter rat, tempo"):
        load("set_rate").arguments({"rate": 60, "tempo": 1, "rat": 2})


def test_arguments_get_the_scripts_order_and_missing_ones_are_0_or_empty():
    script = LuaScript("", ("rate", "reason", "count"), ())
    assert script.arguments({"count": 3}) == [0, "", 3]
    assert script.arguments({"count": 3, "reason": "HTTP 429", "rate": 60}) == [60, "HTTP 429", 3]


def test_a_reply_is_named_and_one_of_another_length_is_refused():
    script = LuaScript("", (), ("granted", "held"))
    assert script.named([3, ""]) == {"granted": 3, "held": ""}
    with pytest.raises(ValueError, match="shorter"):
        script.named([3])


def test_the_scripts_are_shipped_with_the_package():
    project = tomllib.loads(
        (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    )
    shipped = project["tool"]["setuptools"]["package-data"]["limiter"]
    assert all(
        any(fnmatch(f"lua/{path.name}", each) for each in shipped) for path in FOLDER.iterdir()
    )
