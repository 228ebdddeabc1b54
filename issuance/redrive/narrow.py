"""Narrow a job or body to some of its lines, as if it had never had the others."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from pydantic_core import from_json, to_json

from issuance.data_scope import ScopeKind, scope_of
from issuance.endpoint import Variant
from issuance.job import Job, Line


def narrow(job: Job, request_ids: Collection[str]) -> Job:
    """Keep only these lines of a job not accepted yet; if all are kept, return it unchanged.

    Args:
        job: the job; its body is rebuilt, so it must not have been sent.
        request_ids: of the lines to keep; at least one must be the job's.

    Raises:
        ValueError: none of the job's lines is kept.
    """
    kept = tuple(line for line in job.lines if line.request_id in request_ids)
    if not kept:
        raise ValueError("A job keeps at least one of its lines")
    if len(kept) == len(job.lines):
        return job
    return replace(
        job,
        lines=kept,
        body=narrow_body(job.variant, job.body, request_ids),
        source_line=kept[0].source_line,
        scope=narrow_scope(job.scope, kept),
    )


def narrow_scope(scope: str | None, lines: Iterable[Line]) -> str | None:
    """Narrow a call's scope to the organisations of these lines."""
    if scope is None or scope == ScopeKind.SELF:
        return scope
    return scope_of(ScopeKind.OTHER, (line.org_id for line in lines if line.org_id is not None))


def narrow_body(variant: Variant, body: bytes, request_ids: Collection[str]) -> bytes:
    """Narrow a body to these lines; the bytes are those that freezing only them gives.

    Args:
        variant: the body's endpoint; a body of a single reward is returned unchanged.
        body: a frozen body.
        request_ids: of the lines to keep; at least one must be the body's.
    """
    if variant.endpoint.flat:
        return body
    content: dict[str, Any] = from_json(body)
    is_ours = content["transactionNumber"] == content["rewards"][0]["requestId"]
    narrow_content(content, request_ids)
    if is_ours:
        content["transactionNumber"] = content["rewards"][0]["requestId"]
    return to_json(content)


def narrow_content(content: dict[str, Any], request_ids: Collection[str]) -> None:
    """Leave only these lines and their organisations in a decoded body with a list of rewards."""
    content["rewards"] = [
        reward for reward in content["rewards"] if reward["requestId"] in request_ids
    ]
    if "orgLevelDetails" in content:
        orgs = {reward["orgId"] for reward in content["rewards"]}
        content["orgLevelDetails"] = [
            org for org in content["orgLevelDetails"] if org["orgId"] in orgs
        ]
