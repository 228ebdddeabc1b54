"""The W3C `traceparent`: what is read, and what begins a new trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.trace_context import TraceContext

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_SPAN = "00f067aa0ba902b7"


def test_the_standards_example_is_read():
    assert TraceContext.parse(f"00-{_TRACE}-{_SPAN}-01") == TraceContext(_TRACE, _SPAN, True)


@pytest.mark.parametrize(
    ("flags", "is_sampled"), [("00", False), ("01", True), ("02", False), ("03", True)]
)
def test_the_last_bit_says_whether_the_caller_records_the_trace(flags, is_sampled):
    found = TraceContext.parse(f"00-{_TRACE}-{_SPAN}-{flags}")
    assert found is not None
    assert found.is_sampled is is_sampled
    assert str(found).endswith("-01" if is_sampled else "-00")  # unknown flags are not passed on


@pytest.mark.parametrize("rest", ["", "-", "-what-ever"])
def test_a_later_version_is_read_as_far_as_we_know_it(rest):
    found = TraceContext.parse(f"cc-{_TRACE}-{_SPAN}-01{rest}")
    assert str(found) == f"00-{_TRACE}-{_SPAN}-01"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "00",
        f"00-{_TRACE}-{_SPAN}",
        f"00-{_TRACE}-{_SPAN}-1",
        f"00-{_TRACE}-{_SPAN}-01-more",
        f"00-{_TRACE}-{_SPAN}-01-",
        f"00-{_TRACE}-{_SPAN}-01\n",
        f" 00-{_TRACE}-{_SPAN}-01",
        f"ff-{_TRACE}-{_SPAN}-01",
        f"0-{_TRACE}-{_SPAN}-01",
        f"cc-{_TRACE}-{_SPAN}-01more",
        f"cc-{_TRACE}-{_SPAN}-01-{'x' * 1000}",
        f"00-{_TRACE.upper()}-{_SPAN}-01",
        f"00-{_TRACE[:-1]}-{_SPAN}-01",
        f"00-{_TRACE[:-1]}g-{_SPAN}-01",
        f"00-{_TRACE[:-1]}\N{ARABIC-INDIC DIGIT ONE}-{_SPAN}-01",
        f"00-{'0' * 32}-{_SPAN}-01",
        f"00-{_TRACE}-{'0' * 16}-01",
        f"00-{_TRACE}-{_SPAN}-0x",
        None,
        17,
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ],
)
def test_anything_else_is_none(wrong):
    assert TraceContext.parse(wrong) is None


@given(st.text(max_size=80))
def test_no_text_raises(text):
    found = TraceContext.parse(text)
    assert found is None or TraceContext.parse(str(found)) == found
