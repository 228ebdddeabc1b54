"""Reads a campaign's file in constant memory: each record yields one good or one bad row."""

from producers.source.errors_file import ErrorsFile
from producers.source.inputs import STANDARD_INPUT
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Doubt, Identifier, IdentifierKind, Row
from producers.source.source import Source, read_rows, source_stem
from producers.source.unusable import UnusableFile

__all__ = [
    "STANDARD_INPUT",
    "BadRow",
    "Doubt",
    "ErrorsFile",
    "Identifier",
    "IdentifierKind",
    "ReadOptions",
    "Row",
    "Source",
    "UnusableFile",
    "read_rows",
    "source_stem",
]
