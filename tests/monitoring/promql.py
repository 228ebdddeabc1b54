"""Evaluates the PromQL of our rules and dashboards on recorded series, as Prometheus does.

It knows what these expressions use: selectors with ranges, arithmetic, comparisons, `or` and `and`,
`sum`, `max`, `min` and `avg` with `by`, `rate`, `delta`, `deriv`, `clamp_min`, `vector` and
`histogram_quantile`. Anything else is a ValueError.
"""

import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Final

from tests.monitoring.recording import INTERVAL_SECONDS, Recording

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = Vector | float
Samples = list[tuple[float, float]]
"""Pairs of seconds and value."""

_SERIES = re.compile(r"(\w+)\{(.*)\}")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_TOKEN = re.compile(
    r'\s*(?:(\d+(?:\.\d+)?[smhd]?|\+Inf)|([A-Za-z_][\w:]*)|("(?:[^"\\]|\\.)*")'
    r"|(=~|!~|!=|==|<=|>=|[<>=(){}\[\],*/+-]))"
)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "*": operator.mul,
    "/": lambda a, b: a / b if b else math.nan,
    "+": operator.add,
    "-": operator.sub,
}
_COMPARED: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
}
_AGGREGATES: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": math.fsum,
    "max": max,
    "min": min,
    "avg": mean,
}


@dataclass
class Series:
    """Recorded series by metric, and those of recording rules, which are added."""

    by_name: dict[str, dict[Labels, list[float | None]]] = field(default_factory=dict)
    scrapes: int = 0

    @classmethod
    def of(cls, recording: Recording) -> "Series":
        """Read the series of a recording."""
        found = cls(scrapes=recording.scrapes)
        for key, values in recording.series.items():
            match = _SERIES.fullmatch(key)
            if match is None:
                raise ValueError(f"{key} is no series")
            name, labels = match.groups()
            found.by_name.setdefault(name, {})[frozenset(_LABEL.findall(labels))] = values
        return found

    def record(self, name: str, expression: str) -> None:
        """Evaluate a recording rule at every scrape, and keep the result under its name."""
        rule = Expression.read(expression)
        kept = self.by_name.setdefault(name, {})
        for at in range(self.scrapes):
            for labels, value in as_vector(rule.at(self, at)).items():
                values = kept.setdefault(labels, [None] * self.scrapes)
                values[at] = value


@dataclass(frozen=True)
class Expression:
    """A parsed expression."""

    at: Callable[[Series, int], Value]
    """Evaluates it at the scrape with this number."""

    @classmethod
    def read(cls, text: str) -> "Expression":
        """Parse an expression; `$names` stand for anything.

        Raises:
            ValueError: it uses more than this module knows.
        """
        parser = _Parser(re.sub(r"\$\w+", ".*", text))
        found = parser.logical()
        if parser.peek():
            raise ValueError(f"{text}: {parser.peek()!r} is not understood")
        return cls(found)


def as_vector(value: Value) -> Vector:
    """Return a vector as it is, and a number as one without labels."""
    return value if isinstance(value, dict) else {frozenset(): value}


_Node = Callable[[Series, int], Value]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f"{text[place:]!r} is not understood")
            self._tokens.append(match[0].strip())
            place = match.end()
        self._place = 0

    def peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise ValueError(f"{token!r} is where {wanted or 'more'} was expected")
        self._place += 1
        return token

    def logical(self) -> _Node:
        left = self._comparison()
        while self.peek() in ("or", "and"):
            left = _logical(self.take(), left, self._comparison())
        return left

    def _comparison(self) -> _Node:
        left = self._product()
        while self.peek() in _COMPARED:
            left = _compare(_COMPARED[self.take()], left, self._product())
        return left

    def _product(self) -> _Node:
        left = self._operand()
        while self.peek() in _ARITHMETIC:
            left = _calculate(_ARITHMETIC[self.take()], left, self._operand())
        return left

    def _operand(self) -> _Node:
        token = self.take()
        if token == "(":
            inner = self.logical()
            self.take(")")
            return inner
        if token == "+Inf" or token[0].isdigit():
            number = math.inf if token == "+Inf" else float(token)
            return lambda series, at: number
        if token in _AGGREGATES:
            return self._aggregate(token)
        if self.peek() == "(":
            return self._function(token)
        select = self._selector(token)
        return lambda series, at: _instant(select(series), at)

    def _aggregate(self, name: str) -> _Node:
        kept: set[str] = set()
        if self.peek() == "by":
            self.take()
            kept = self._names()
        self.take("(")
        inner = self.logical()
        self.take(")")
        return _aggregate(_AGGREGATES[name], inner, kept)

    def _names(self) -> set[str]:
        self.take("(")
        names = set()
        while (token := self.take()) != ")":
            if token != ",":
                names.add(token)
        return names

    def _function(self, name: str) -> _Node:
        self.take("(")
        if name in _RANGES:
            select = self._selector(self.take())
            self.take("[")
            text = self.take()
            seconds = int(text[:-1]) * _SECONDS[text[-1]]
            self.take("]")
            self.take(")")
            return _over_range(_RANGES[name], select, seconds)
        arguments = [self.logical()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.logical())
        self.take(")")
        if name == "vector":
            return lambda series, at: as_vector(arguments[0](series, at))
        if name == "clamp_min":
            return _clamp_min(*arguments)
        if name == "histogram_quantile":
            return _quantiles(*arguments)
        raise ValueError(f"{name}() is not understood")

    def _selector(self, name: str) -> Callable[[Series], dict[Labels, list[float | None]]]:
        conditions: list[tuple[str, str, str]] = []
        if self.peek() == "{":
            self.take()
            while self.peek() != "}":
                conditions.append((self.take(), self.take(), self.take()[1:-1]))
                if self.peek() == ",":
                    self.take()
            self.take("}")
        return lambda series: {
            labels: values
            for labels, values in series.by_name.get(name, {}).items()
            if all(_meets(dict(labels), *condition) for condition in conditions)
        }


def _meets(labels: Mapping[str, str], name: str, how: str, wanted: str) -> bool:
    value = labels.get(name, "")
    match how:
        case "=":
            return value == wanted
        case "!=":
            return value != wanted
        case "=~":
            return re.fullmatch(wanted, value) is not None
        case "!~":
            return re.fullmatch(wanted, value) is None
    raise ValueError(f"{how} is not understood")


def _instant(found: Mapping[Labels, list[float | None]], at: int) -> Vector:
    # A failed scrape ends its series at once.
    return {labels: value for labels, values in found.items() if (value := values[at]) is not None}


def _over_range(
    function: Callable[[Samples, float, int], float | None],
    select: Callable[[Series], dict[Labels, list[float | None]]],
    seconds: int,
) -> _Node:
    def evaluate(series: Series, at: int) -> Value:
        now, found = float(at * INTERVAL_SECONDS), {}
        for labels, values in select(series).items():
            first = max(0, at - seconds // INTERVAL_SECONDS + 1)
            samples = [
                (float(place * INTERVAL_SECONDS), value)
                for place in range(first, at + 1)
                if (value := values[place]) is not None
            ]
            result = function(samples, now, seconds)
            if result is not None:
                found[labels] = result
        return found

    return evaluate


def _increase(samples: Samples, now: float, seconds: int, *, is_counter: bool) -> float | None:
    """Extrapolate the increase to the whole range, as Prometheus does."""
    if len(samples) < 2:
        return None
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    grown = last - first
    if is_counter:
        values = [value for _, value in samples]
        grown += sum(a for a, b in itertools.pairwise(values) if b < a)
    sampled = last_at - first_at
    gap = sampled / (len(samples) - 1)
    before, after = first_at - (now - seconds), now - last_at
    if before >= gap * 1.1:
        before = gap / 2
    if is_counter and grown > 0 and first >= 0:
        before = min(before, sampled * (first / grown))
    after = gap / 2 if after >= gap * 1.1 else after
    return grown * (sampled + before + after) / sampled


def _rate(samples: Samples, now: float, seconds: int) -> float | None:
    grown = _increase(samples, now, seconds, is_counter=True)
    return None if grown is None else grown / seconds


def _delta(samples: Samples, now: float, seconds: int) -> float | None:
    return _increase(samples, now, seconds, is_counter=False)


def _derivative(samples: Samples, now: float, seconds: int) -> float | None:
    if len(samples) < 2:
        return None
    middle, level = mean(at for at, _ in samples), mean(value for _, value in samples)
    spread = math.fsum((at - middle) ** 2 for at, _ in samples)
    return math.fsum((at - middle) * (value - level) for at, value in samples) / spread


_RANGES: Final = {"rate": _rate, "delta": _delta, "deriv": _derivative}


def _aggregate(function: Callable[[Sequence[float]], float], inner: _Node, kept: set[str]) -> _Node:
    def evaluate(series: Series, at: int) -> Value:
        groups: dict[Labels, list[float]] = {}
        for labels, value in as_vector(inner(series, at)).items():
            group = frozenset(pair for pair in labels if pair[0] in kept)
            groups.setdefault(group, []).append(value)
        return {labels: function(values) for labels, values in groups.items()}

    return evaluate


def _calculate(function: Callable[[float, float], float], left: _Node, right: _Node) -> _Node:
    def evaluate(series: Series, at: int) -> Value:
        a, b = left(series, at), right(series, at)
        if isinstance(a, dict) and isinstance(b, dict):
            return {labels: function(a[labels], b[labels]) for labels in a.keys() & b.keys()}
        if isinstance(a, dict):
            return {labels: function(value, float(b)) for labels, value in a.items()}  # type: ignore[arg-type]
        if isinstance(b, dict):
            return {labels: function(a, value) for labels, value in b.items()}
        return function(a, b)

    return evaluate


def _compare(holds: Callable[[float, float], bool], left: _Node, right: _Node) -> _Node:
    def evaluate(series: Series, at: int) -> Value:
        a, b = as_vector(left(series, at)), right(series, at)
        if isinstance(b, dict):
            return {
                labels: value
                for labels, value in a.items()
                if labels in b and holds(value, b[labels])
            }
        return {labels: value for labels, value in a.items() if holds(value, b)}

    return evaluate


def _logical(word: str, left: _Node, right: _Node) -> _Node:
    def evaluate(series: Series, at: int) -> Value:
        a, b = as_vector(left(series, at)), as_vector(right(series, at))
        if word == "or":
            return b | a
        return {labels: value for labels, value in a.items() if labels in b}

    return evaluate


def _clamp_min(inner: _Node, least: _Node) -> _Node:
    def evaluate(series: Series, at: int) -> Value:
        bound = least(series, at)
        if isinstance(bound, dict):
            raise TypeError("clamp_min takes a number")
        return {labels: max(value, bound) for labels, value in as_vector(inner(series, at)).items()}

    return evaluate


def _quantiles(share: _Node, inner: _Node) -> _Node:
    def evaluate(series: Series, at: int) -> Value:
        wanted = share(series, at)
        if isinstance(wanted, dict):
            raise TypeError("histogram_quantile takes a number")
        groups: dict[Labels, list[tuple[float, float]]] = {}
        for labels, value in as_vector(inner(series, at)).items():
            rest = frozenset(pair for pair in labels if pair[0] != "le")
            bound = float(dict(labels)["le"].replace("+Inf", "inf"))
            groups.setdefault(rest, []).append((bound, value))
        return {labels: _quantile(wanted, sorted(buckets)) for labels, buckets in groups.items()}

    return evaluate


def _quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float:
    """Interpolate within the bucket in which the share is reached."""
    rank = share * buckets[-1][1]
    if not buckets[-1][1]:
        return math.nan
    start, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if math.isinf(bound):
                return start
            return start + (bound - start) * (rank - below) / (count - below or 1.0)
        start, below = bound, count
    return start
