"""Malformed replies, as a broken service, a proxy or an attacker could send them."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

from simulator.replies import JSON, Reply
from simulator.statuses import REWARD_NOT_AVAILABLE

HUGE_BYTES = 50 * 1024 * 1024
DEPTH = 100_000
_BLANKS = b" " * 65_536


def malform(kind: str, reply: Reply) -> Reply:
    """Change the reply as this fault does; other kinds and non-JSON replies stay unchanged."""
    change = CHANGES.get(kind)
    return change(reply) if change and reply.content_type == JSON else reply


def _empty(reply: Reply) -> Reply:
    return replace(reply, body=b"")


def _huge(reply: Reply) -> Reply:
    # The JSON stays valid: a reader without a size limit gets the true reply in 50 MB.
    return replace(reply, padding=HUGE_BYTES)


def _gzip_bomb(reply: Reply) -> Reply:
    packed = BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(reply.body)
        for _ in range(HUGE_BYTES // len(_BLANKS)):
            file.write(_BLANKS)
    return replace(
        reply, body=packed.getvalue(), headers=(*reply.headers, (b"content-encoding", b"gzip"))
    )


def _wrong_types(reply: Reply) -> Reply:
    fields = json.loads(reply.body)
    return replace(
        reply,
        body=json.dumps({name: _of_another_type(value) for name, value in fields.items()}).encode(),
    )


def _of_another_type(value: Any) -> Any:
    match value:
        case dict():
            return [[name, item] for name, item in value.items()]
        case list():
            return json.dumps(value)
        case None:
            return {"value": None}
        case _:
            return [value]


def _array(reply: Reply) -> Reply:
    return replace(reply, body=b"[" + reply.body + b"]")


def _deep(reply: Reply) -> Reply:
    return replace(reply, body=b'{"note":' + b"[" * DEPTH + b"]" * DEPTH + b"," + reply.body[1:])


def _not_utf8(reply: Reply) -> Reply:
    return replace(reply, body=b'{"note":"\xff\xfe\xe9",' + reply.body[1:])


def _duplicate_keys(reply: Reply) -> Reply:
    # The true status comes second: most parsers take the last of two equal keys.
    other = json.dumps(REWARD_NOT_AVAILABLE.as_json()).encode()
    return replace(reply, body=b'{"status":' + other + b"," + reply.body[1:])


CHANGES: dict[str, Callable[[Reply], Reply]] = {
    "empty_200_after_commit": _empty,
    "huge_body_after_commit": _huge,
    "gzip_bomb_after_commit": _gzip_bomb,
    "wrong_types_after_commit": _wrong_types,
    "array_after_commit": _array,
    "deep_json_after_commit": _deep,
    "not_utf8_after_commit": _not_utf8,
    "duplicate_keys_after_commit": _duplicate_keys,
}
