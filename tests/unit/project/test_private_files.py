"""Only `files/private.py` creates files and folders, so none is open to others by mistake."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_OTHERS = {"benchmarks", "files", "simulator", "tests"}
"""The helper itself, and programs that no operator's state passes through."""
_PACKAGES = sorted({path.parent.name for path in _ROOT.glob("*/__init__.py")} - _OTHERS)
_CREATORS = {
    "mkdir",
    "makedirs",
    "touch",
    "write_text",
    "write_bytes",
    "mkstemp",
    "mkdtemp",
    "NamedTemporaryFile",
    "TemporaryDirectory",
    "copy",
    "copy2",
    "copyfile",
    "copytree",
    "FileHandler",
}
_MODULES = {"shutil", "tempfile", "os", "logging"}
"""What has a function `copy` or the like that creates files; a method of a dictionary does not."""


def creations(source: str) -> Iterator[int]:
    """The lines that create a file or a folder."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "O_CREAT":
            yield node.lineno
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = getattr(getattr(node.func, "value", None), "id", "")
        is_method = isinstance(node.func, ast.Attribute)
        if is_method and name in _CREATORS and (name != "copy" or owner in _MODULES):
            yield node.lineno
        if name in ("open", "fdopen") and owner != "os" and _writes(node):
            yield node.lineno


def _writes(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [each.value for each in given if isinstance(each, ast.Constant)]
    return any(isinstance(mode, str) and set(mode) & set("wax+") for mode in modes)


@pytest.mark.parametrize("package", _PACKAGES)
def test_a_package_creates_files_only_by_the_helper(package: str):
    found = {
        f"{path.relative_to(_ROOT)}:{line}"
        for path in (_ROOT / package).rglob("*.py")
        for line in creations(path.read_text(encoding="utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    "line",
    [
        'path.open("w")',
        'open(path, mode="ab")',
        "path.mkdir(parents=True)",
        "os.open(path, os.O_CREAT | os.O_WRONLY)",
        "shutil.copy(one, other)",
        'path.write_text("x")',
    ],
)
def test_each_way_to_create_a_file_is_found(line: str):
    assert list(creations(line)) == [1]


@pytest.mark.parametrize("line", ['path.open("rb")', "known.copy()", "os.open(path, os.O_RDONLY)"])
def test_reading_creates_nothing(line: str):
    assert list(creations(line)) == []
