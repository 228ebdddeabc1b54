"""What commands print: nothing in it commands the terminal, whatever a renderer does."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from console import terminal
from console.local.log_tail import last_log_line
from console.rendering import layout

_HOSTILE = "a\x1b[2J\x9b31m\x7f\u202egpj.exe\u200b"
_ESCAPED = r"a\u001b[2J\u009b31m\u007f\u202egpj.exe\u200b"


@pytest.fixture(params=[False, True], ids=["in a pipe", "on a terminal"])
def stream(request, monkeypatch):
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=request.param, no_color=True, width=200, highlight=False
    )
    for module, name in ((terminal, "err"), (terminal, "out"), (layout, "out")):
        monkeypatch.setattr(module, name, console)
    return stream


@pytest.mark.parametrize(
    "say",
    [
        terminal.remark,
        layout.say,
        layout.say_row,
        lambda text: layout.say_row("1", text),
        lambda text: terminal.remark(Text(text, style="dim")),
        terminal.complain,
    ],
)
def test_text_from_outside_moves_no_cursor(stream, say):
    say(_HOSTILE)
    assert _ESCAPED in stream.getvalue()
    assert "\x9b" not in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()


def test_a_line_break_in_a_value_begins_no_line(stream):
    terminal.complain("it failed\r\n\tError: forged\n")
    assert stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines() == [
        "Error: it failed Error: forged "
    ]


def test_letters_of_any_script_and_commands_to_copy_stay_as_they_are(stream):
    terminal.remark(f"Grüße, 你好: {terminal.whole('issuance status')}")
    assert stream.getvalue() == "Grüße, 你好: issuance status\n"


def test_the_end_of_a_log_moves_no_cursor(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(f"{_HOSTILE}\n", encoding="utf-8")
    assert last_log_line(log) == f"{_ESCAPED} (see {log})"
