"""Narrow a job or body to some of its lines, as if it had never had the others."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from pydantic_core import from_json, to_json

from issuance.endpoint import Variant
from issuance.job import Job


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
    body = narrow_body(job.variant, job.body, request_ids)
    return replace(job, lines=kept, body=body, source_line=kept[0].source_line)


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
    narrow_content(content, request_ids)
    return to_json(content | {"transactionNumber": content["rewards"][0]["requestId"]})


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
