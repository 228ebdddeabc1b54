"""A subject for people and for programs."""

from collections.abc import Iterator
from typing import Any

from operations.access.subject import Subject


def subject_json(subject: Subject) -> dict[str, Any]:
    """Return a subject for programs."""
    who = subject.identity
    return {
        "subject": who.name,
        "uid": who.uid,
        "host": who.host,
        "way": who.way,
        "claimed": who.claimed or None,
        "roles": subject.roles,
        "rights": subject.rights,
        "source": subject.grant.source,
    }


def subject_lines(subject: Subject) -> Iterator[str]:
    """Describe a subject, a fact a line."""
    who = subject.identity
    number = "" if who.uid is None else f" (uid {who.uid})"
    yield f"subject  {who.name}{number} on {who.host}, by the {who.way}"
    if who.claimed:
        yield f"claimed  {who.claimed} (ISSUANCE_OPERATOR)"
    yield f"roles    {', '.join(subject.roles) or 'none: everything is refused'}"
    yield f"rights   {', '.join(subject.rights) or 'none'}"
    yield f"because  {subject.grant.source}"
    if not subject.roles:
        yield f"remedy   {subject.grant.remedy}"
