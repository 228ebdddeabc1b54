"""The sentences of a file: comments, docstrings and other strings, and the names of tests."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.language.patterns import ALLOWED, PATTERNS

_STRINGS = (tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))


def read_prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the prose of a file, each piece with the number of its first row."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _read_python(text)
    elif path.suffix in {".md", ".lua"} or path.name == "Makefile":
        yield from _read_paragraphs(text, comment="--" if path.suffix == ".lua" else "")
    else:
        comments = [line if line.strip().startswith("#") else "" for line in text.splitlines()]
        yield from _read_paragraphs("\n".join(comments), comment="#")


def _read_python(text: str) -> Iterator[tuple[int, str]]:
    comment, begin, last = "", 0, -1
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("# ")
            if token.start[0] == last + 1:
                comment += " " + words
            else:
                if comment:
                    yield begin, comment
                comment, begin = words, token.start[0]
            last = token.start[0]
        elif token.type in _STRINGS:
            yield token.start[0], " ".join(token.string.strip("rbfu\"'").split())
    if comment:
        yield begin, comment
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name.replace("_", " ")


def _read_paragraphs(text: str, comment: str) -> Iterator[tuple[int, str]]:
    words: list[str] = []
    begin = 0
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        stripped = line.strip().removeprefix(comment).strip()
        if not stripped and words:
            yield begin, " ".join(words)
            words = []
        elif stripped:
            begin = begin if words else number
            words.append(stripped)


def find_phrases(path: Path) -> Iterator[str]:
    """Yield each phrase to avoid, with its place and what to write instead."""
    for number, prose in read_prose(path):
        text = prose
        for phrase in ALLOWED:
            text = text.replace(phrase, "")
        for pattern in PATTERNS:
            for found in pattern.phrase.finditer(text):
                yield f"{path}:{number}: {found.group().strip()!r}: write {pattern.remedy}"


def count_words(path: Path) -> int:
    """Count the words of a file's prose."""
    return sum(len(prose.split()) for _, prose in read_prose(path))
