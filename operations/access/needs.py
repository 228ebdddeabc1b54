"""Declares the right that an operation needs; the check runs before the operation begins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from operations.access.roles import Right
from operations.access.subject import Subject

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation needs."""

    right: Right
    options: Mapping[str, Right] = field(default_factory=dict)
    """The further right that each option needs, if it is on; by the argument's name."""


NEEDS: Final[dict[str, Need]] = {}
"""The need of every operation whose module is loaded, by `module.function`."""


def needs(
    right: Right, **options: Right
) -> Callable[[Callable[Concatenate[Subject, _P], _R]], Callable[Concatenate[Subject, _P], _R]]:
    """Make a function an operation: its first argument is the subject, which must have a right.

    A subject without it gets `NotAllowedError` at the call, before anything else happens; so does
    one that asks for an iterator.

    Args:
        right: what every call needs.
        options: what a call also needs if the keyword argument of this name is true.
    """

    def declare(
        operation: Callable[Concatenate[Subject, _P], _R],
    ) -> Callable[Concatenate[Subject, _P], _R]:
        @wraps(operation)
        def checked(subject: Subject, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            subject.require(right)
            _require_options(subject, kwargs)
            return operation(subject, *args, **kwargs)

        NEEDS[f"{operation.__module__}.{operation.__name__}"] = Need(right, options)
        return checked

    def _require_options(subject: Subject, given: Mapping[str, Any]) -> None:
        for name, further in options.items():
            if given.get(name):
                subject.require(further)

    return declare
