"""W3C trace context: the `traceparent` header, which joins the spans of several services."""

import re
from dataclasses import dataclass
from typing import Self

_SAMPLED = 0x01
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_LONGEST = 512
"""Later versions of the header may append fields; nothing of this length is one."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span of another service, or of another process: the parent of what follows."""

    trace_id: str
    """32 lower-case hexadecimal digits."""
    span_id: str
    """16 lower-case hexadecimal digits."""
    is_sampled: bool
    """Whether the caller records this trace."""

    @classmethod
    def parse(cls, text: object) -> Self | None:
        """Read a `traceparent`; None if it is not valid: a new trace has to begin.

        A later version of the header is read as far as version 00 goes, as the standard wants.
        """
        if not isinstance(text, str) or len(text) > _LONGEST:
            return None
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        version, trace_id, span_id, flags, more = found.groups()
        if version == "ff" or (version == "00" and more is not None):
            return None
        if trace_id == _NO_TRACE or span_id == _NO_SPAN:
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))

    def __str__(self) -> str:
        """Return the `traceparent`, in version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.is_sampled else 0:02x}"
