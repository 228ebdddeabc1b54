"""Replies to reads and revokes, as values: found, not found, unreadable (rewards-api §8, §9)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from issuance.loose import loose_map, loose_maps
from issuance.reconciliation.transactions import (
    CANCELLED,
    Flag,
    Issual,
    Maps,
    ReadStatus,
    Text,
    TransactionDetail,
    Whole,
)
from issuance.replies.codes import ISSUED_CODE
from issuance.replies.reply import Answer, Reply

_NOT_FOUND = 6004
# The customer API's code and the rewards service's code (rewards-api §6.1, §8).
_NO_SUCH_CUSTOMER = frozenset({8015, 1014})


class _Envelope(BaseModel):
    """The fields around the content; some answers have a list of statuses, others one object."""

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
    """No answer, or one without a usable result; a later read may have one."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Found:
    """The API knows the transaction."""

    detail: TransactionDetail
    answer: Answer = field(compare=False, repr=False)
    """The whole answer, with the fields that no model reads."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The API shows no such transaction (code 6004); it may appear later, because reads lag."""

    code: int
    message: str


DetailReply = Found | NotFound | Unreadable


@dataclass(frozen=True, slots=True)
class IssualsPage:
    """One page of a customer's transactions."""

    issuals: tuple[Issual, ...]
    is_last: bool
    """As the answer says; without that, whether the page is not full. An empty page is the last."""
    answer: Answer = field(compare=False, repr=False)
    """The whole answer, with the fields that no model reads."""


IssualsReply = IssualsPage | Unreadable


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """The API's own id of a customer; it may be cached, as only a merge of customers changes it."""

    id: int


@dataclass(frozen=True, slots=True)
class NoSuchCustomer:
    """The API knows no customer by this identifier."""

    code: int
    message: str


CustomerReply = FoundCustomer | NoSuchCustomer | Unreadable


@dataclass(frozen=True, slots=True)
class Revoked:
    """The whole transaction is cancelled, and its points are returned."""

    transaction_id: str
    units: int | None
    """The units that were revoked; None when the answer does not say."""
    answer: Answer = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NotRevoked:
    """The API refused to revoke.

    13005: switched off; 13003: wrong state; 10007, 10008: not found; 1018: try again.
    """

    code: int
    message: str


RevokeReply = Revoked | NotRevoked | Unreadable


def read_detail(reply: Reply) -> DetailReply:
    """Read the reply to a read of one transaction; never raises."""
    return _read(reply, _detail)


def read_issuals(reply: Reply, size: int) -> IssualsReply:
    """Read the reply to a read of a list; never raises.

    Args:
        reply: of the client.
        size: the page size asked for: a shorter page is the last one if the answer does not say.
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
    # A success without a list is an empty page; an answer without code and list is unreadable.
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
        read.state in (CANCELLED, None) and status.success is not False and read.transaction_id
    )
    return Revoked(read.transaction_id or "", read.units, answer) if cancelled else None
