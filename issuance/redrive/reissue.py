"""Reissue: a new generation of a refused job, only its failed lines, with new requestIds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from pydantic_core import from_json, to_json

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.redrive.narrow import narrow_content

_NEXT_GENERATION_SPACE = UUID("6f2f0b1e-5a3d-5c0e-9d5e-0f6a3a1c7b03")


def next_generation_id(request_id: str) -> str:
    """Derive the next requestId from a refused one that was keyed or random.

    Two operators who reissue at the same time get the same requestId: only one is accepted.
    """
    return str(uuid5(_NEXT_GENERATION_SPACE, request_id))


def reissue_body(
    variant: Variant, body: bytes, lines: Sequence[Line], renamed: Mapping[str, str]
) -> tuple[bytes, tuple[Line, ...]]:
    """Rewrite a frozen body for a new generation.

    Args:
        variant: the job's endpoint.
        body: the bytes that were refused.
        lines: the job's lines.
        renamed: old to new requestId, for the lines to issue again; the others are left out.

    Returns:
        The new job's frozen body, and its lines.

    Raises:
        ValueError: no line is to be issued again.
    """
    again = tuple(
        replace(line, request_id=renamed[line.request_id])
        for line in lines
        if line.request_id in renamed
    )
    if not again:
        raise ValueError("A reissue needs at least one line that failed")
    content: dict[str, Any] = from_json(body) | {"transactionNumber": again[0].request_id}
    if variant.endpoint.flat:
        content["requestId"] = again[0].request_id
    else:
        narrow_content(content, renamed)
        content["rewards"] = [
            reward | {"requestId": renamed[reward["requestId"]]} for reward in content["rewards"]
        ]
    return to_json(content), again
