"""Replies to reads and to a revoke, as values: what was found, what is not there, what cannot be read (§8, §9)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from issuance.reconciliation.transactions import (
    Flag,
    Issual,
    Maps,
    ReadStatus,
    Text,
    TransactionDetail,
    Whole,
    loose_map,
    loose_maps,
)
from issuance.replies.codes import ISSUED_CODE
from issuance.replies.reply import Answer, Reply

_NOT_FOUND = 6004
# The customer API's own code, and the rewards service's for the same (rewards-api §6.1, §8).
_NO_SUCH_CUSTOMER = frozenset({8015, 1014})
_CANCELLED = "CANCELLED"


class _Envelope(BaseModel):
    """What is around the content; the status is a list in some answers and an object in the others."""

    model_config = ConfigDict(frozen=True)

    status: Maps = []
    data: Annotated[dict[str, Any], BeforeValidator(loose_map)] = {}
    errors: Maps = []

    @property
    def own_status(self) -> ReadStatus:
        """The status of the read itself."""
        return ReadStatus.model_validate(self.status[0] if self.status else {})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No answer, or one that says nothing to go by; looking again later may help."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Found:
    """The API knows the transaction."""

    detail: TransactionDetail
    answer: Answer = field(compare=False, repr=False)
    """The whole answer, with the fields that no model reads."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The API says that there is no such transaction (code 6004), or not yet: reads may lag."""

    code: int
    message: str


DetailReply = Found | NotFound | Unreadable


@dataclass(frozen=True, slots=True)
class IssualsPage:
    """One page of a customer's transactions."""

    issuals: tuple[Issual, ...]
    is_last: bool
    """No page follows: as the answer says, else by the count of entries; an empty page is always the last."""
    answer: Answer = field(compare=False, repr=False)
    """The whole answer, with the fields that no model reads."""


IssualsReply = IssualsPage | Unreadable


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """The API's own id of a customer; it stays the same unless customers are merged, so it may be kept."""

    id: int


@dataclass(frozen=True, slots=True)
class NoSuchCustomer:
    """The API knows no customer by this identifier."""

    code: int
    message: str


CustomerReply = FoundCustomer | NoSuchCustomer | Unreadable


@dataclass(frozen=True, slots=True)
class Revoked:
    """The whole transaction is cancelled, and its points are given back."""

    transaction_id: str
    units: int | None
    """The units that were taken back; None when the answer does not say."""
    answer: Answer = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NotRevoked:
    """The API refused: 13005 (switched off), 13003 (wrong state), 10007 or 10008 (not found), 1018 (try again)."""

    code: int
    message: str


RevokeReply = Revoked | NotRevoked | Unreadable


def read_detail(reply: Reply) -> DetailReply:
    """Read the reply to a read of one transaction; never raises, whatever types the answer has."""
    return _read(reply, _detail)


def read_issuals(reply: Reply, size: int) -> IssualsReply:
    """Read the reply to a read of a list; never raises.

    Args:
        reply: what came back.
        size: the entries asked for: a shorter page is the last one if the answer does not say.
    """
    return _read(reply, lambda answer: _issuals(answer, size))


def read_customer(reply: Reply) -> CustomerReply:
    """Read the reply to a lookup of a customer; never raises."""
    return _read(reply, _customer)


def read_revoke(reply: Reply) -> RevokeReply:
    """Read the reply to a revoke; never raises."""
    return _read(reply, _revoke)


_T = TypeVar("_T")


def _read(reply: Reply, read: Callable[[Answer], _T | None]) -> _T | Unreadable:
    if not isinstance(reply, Answer):
        return Unreadable(reply)
    try:
        return read(reply) or Unreadable(reply)
    except (ValidationError, RecursionError):
        return Unreadable(reply)


def _detail(answer: Answer) -> Found | NotFound | None:
    envelope = _Envelope.model_validate_json(answer.body)
    status = envelope.own_status
    if status.code == _NOT_FOUND:
        return NotFound(_NOT_FOUND, status.message or "")
    return Found(TransactionDetail.model_validate(envelope.data), answer) if envelope.data else None


class _Paging(BaseModel):
    last: Flag = None


class _IssualsAnswer(_Envelope):
    entries: Any = Field(default=None, alias="rewardIssueTransactions")
    paging: Annotated[_Paging, BeforeValidator(loose_map)] = Field(
        default=_Paging(), alias="pagingDto"
    )


def _issuals(answer: Answer, size: int) -> IssualsPage | None:
    read = _IssualsAnswer.model_validate_json(answer.body)
    code = read.own_status.code
    # A success without a list has nothing to show; what has neither a code nor a list is something
    # else.
    entries = [] if read.entries is None and code == ISSUED_CODE else read.entries
    if code not in (ISSUED_CODE, None) or not isinstance(entries, list):
        return None
    last = len(entries) < size if read.paging.last is None else read.paging.last or not entries
    return IssualsPage(
        tuple(Issual.model_validate(entry) for entry in loose_maps(entries)), last, answer
    )


class _CustomerAnswer(_Envelope):
    entity: Whole = None


def _customer(answer: Answer) -> FoundCustomer | NoSuchCustomer | None:
    read = _CustomerAnswer.model_validate_json(answer.body)
    if read.entity is not None and read.entity > 0:
        return FoundCustomer(read.entity)
    for status in map(ReadStatus.model_validate, (*read.errors, *read.status)):
        if status.code in _NO_SUCH_CUSTOMER:
            return NoSuchCustomer(status.code, status.message or "")
    return None


class _RevokeAnswer(_Envelope):
    transaction_id: Text = Field(default=None, alias="txnId")
    state: Text = None
    units: Whole = Field(default=None, alias="userRewardCount")


def _revoke(answer: Answer) -> Revoked | NotRevoked | None:
    read = _RevokeAnswer.model_validate_json(answer.body)
    status = read.own_status
    if status.code is None:
        return None
    if status.code != ISSUED_CODE:
        return NotRevoked(status.code, status.message or "")
    cancelled = (
        read.state in (_CANCELLED, None) and status.success is not False and read.transaction_id
    )
    return Revoked(read.transaction_id or "", read.units, answer) if cancelled else None
