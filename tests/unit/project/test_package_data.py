"""What a program reads at run time is in the installed packages, too."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
_NOT_READ = (".py", ".pyc", ".md")


def test_every_file_of_a_package_is_installed():
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = found["package-data"]
    packages = [name.rstrip("*") for name in found["packages"]["find"]["include"]]
    files = {
        path
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not path.name.endswith(_NOT_READ)
    }
    installed = {
        path
        for package, wanted in patterns.items()
        for pattern in wanted
        for path in (ROOT / package).glob(pattern)
    }
    assert files - installed == set()
