"""The check of the project's English finds phrases where people read them, and only there."""

import pytest

from tests.language.patterns import PATTERNS
from tests.language.prose import find_phrases, read_prose

EXAMPLES = (
    "Who asks first gets it.",
    "Tells of the failures.",
    "After so many claims it travels alone.",
    "It is sent all the same.",
    "Look seldom.",
    "Begin anew.",
    "Ten at the most.",
    "It stays for ever.",
    "Besides, it is cheap.",
    "What stands in the ledger.",
    "The jobs in hand.",
    "The others go on.",
    "What came of calls.",
    "A job comes back.",
    "Nobody waits for it.",
    "It takes a look.",
    "Speed beside the peers.",
    "It has the worker ask again.",
    "The log entries of the dead, buried here.",
    "It waits for no row, nor it for others.",
)


@pytest.mark.parametrize(("pattern", "sentence"), list(zip(PATTERNS, EXAMPLES, strict=True)))
def test_each_pattern_finds_its_phrase(pattern, sentence):
    assert pattern.phrase.search(sentence)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "row"),
    [
        ("a.py", '"""Counts calls.\n\nLook seldom."""\n', 1),
        ("a.py", "# A limit of its own,\n# begun anew.\nx = 1\n", 1),
        ("a.py", 'x = f"waited {1} s, all the same"\n', 1),
        ("a.py", "\n\ndef test_a_job_comes_back():\n    pass\n", 3),
        ("a.md", "# Title\n\nA sentence that goes\non over two rows.\n", 3),
        ("a.lua", "local x = 1\n\n-- begun anew\n", 3),
        ("a.toml", "anew = 1\n# kept for ever\n", 2),
    ],
)
def test_phrases_are_found_in_comments_strings_and_names(tmp_path, name, text, row):
    found = list(find_phrases(write(tmp_path / name, text)))
    assert len(found) == 1
    assert f"{name}:{row}: " in found[0]


def test_plain_sentences_and_code_are_left_alone(tmp_path):
    path = write(tmp_path / "a.py", '"""Who may read it? Operators."""\nanew = 1\n')
    assert list(find_phrases(path)) == []
    assert list(read_prose(path)) == [(1, "Who may read it? Operators.")]


def test_an_allowed_phrase_is_left_alone(tmp_path):
    path = write(
        tmp_path / "a.py", '"""Revoke.\n\n    line: its id.\n    who: the operator.\n"""\n'
    )
    assert list(find_phrases(path)) == []
