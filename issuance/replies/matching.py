"""Match an answer's elements to lines: by requestId, else by rewardId, else by place (§4.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from issuance.job import Line
from issuance.replies.answer import IssueAnswer, Reward
from issuance.replies.codes import ISSUED_CODE


@dataclass(slots=True)
class Mention:
    """What an answer says about a line."""

    element: Reward | None = None
    """The element that decides; None when the list does not mention the line."""
    strays: tuple[Reward, ...] = ()
    """Elements of no line that show units or vouchers, kept with this line so that none is lost."""

    @property
    def parts(self) -> tuple[Reward, ...]:
        """Everything that is kept with this line."""
        return self.strays if self.element is None else (self.element, *self.strays)


def match_elements(lines: Sequence[Line], answer: IssueAnswer) -> list[Mention]:
    """Match an answer's elements to the lines, in the order of the lines.

    An answer without a list of rewards (the single endpoint, or a refusal of the whole call)
    applies to every line. An empty list does not prove that anything was issued.
    """
    elements = answer.elements
    if elements is None or (not elements and answer.status.code != ISSUED_CODE):
        return [Mention(answer) for _ in lines]
    mentions = [Mention() for _ in lines]
    left = list(elements)
    for fits in _WAYS[: 3 if len(lines) == len(elements) else 2]:
        left = _take(mentions, lines, left, fits)
        if not left:
            break
    strays = tuple([element for element in (*left, answer) if element.shows_anything])
    if strays:
        next(
            (mention for mention in mentions if mention.element is None), mentions[0]
        ).strays = strays
    return mentions


def _by_request_id(element: Reward, line: Line) -> bool:
    return element.request_id == line.request_id


def _by_reward_id(element: Reward, line: Line) -> bool:
    return not element.request_id and element.reward_id == line.reward_id


def _by_place(element: Reward, line: Line) -> bool:
    # Refused elements of an 8010 may have no ids. Then their place decides, if none is missing. The
    # rewardId of a line with an external id is not known before.
    return not element.request_id and (
        element.reward_id is None or line.reward_external_id is not None
    )


_WAYS = (_by_request_id, _by_reward_id, _by_place)


def _take(
    mentions: Sequence[Mention],
    lines: Sequence[Line],
    elements: list[Reward],
    fits: Callable[[Reward, Line], bool],
) -> list[Reward]:
    """Give each line without an element the first that fits; return the elements that are left."""
    left = list(elements)
    for line, mention in zip(lines, mentions, strict=True):
        if mention.element is None:
            for place, element in enumerate(left):
                if fits(element, line):
                    mention.element = left.pop(place)
                    break
    return left
