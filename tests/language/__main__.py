"""`make check`: finds phrases that must be read twice, in code, tests and documents.

Files to read may be given; without any, all files of the repository are read.
"""

import subprocess
import sys
from pathlib import Path

from tests.language.prose import count_words, find_phrases

_SUFFIXES = {".py", ".md", ".lua", ".toml", ".yml"}
_SKIPPED = ("tests/language/", "tests/unit/language/")


def main() -> int:
    """Print each phrase to avoid; 1 when there is one."""
    listed = subprocess.run(
        ["git", "ls-files", *sys.argv[1:]], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = [
        Path(name)
        for name in listed
        if (Path(name).suffix in _SUFFIXES or name == "Makefile")
        and not name.startswith(_SKIPPED)
        and Path(name).exists()
    ]
    found = [line for file in files for line in find_phrases(file)]
    words = sum(map(count_words, files))
    print("\n".join(found[:200]))
    print(f"{len(found)} phrases to avoid in {words:,} words of {len(files)} files")
    return bool(found)


sys.exit(main())
